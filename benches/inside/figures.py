"""Samples, their medians, and the comparisons and goals made of them."""

import json

from host import busy

WHARF = "Wharf"


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def number(value):
    """Three significant digits, never fewer than the digits before the point."""
    for least, digits in ((100, 0), (10, 1), (1, 2)):
        if value >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.3f}" if value else "0"


class Figures:
    """The result of one part. Less is better in every figure, so a ratio below 1 is in favour of Wharf."""

    def __init__(self, module, rounds):
        self.title = module.TITLE
        self.rounds = rounds
        self.samples = {}
        self.rows = []
        self.absent = {}
        self.busy = busy()

    def add(self, what, who, value):
        self.samples.setdefault(what, {}).setdefault(who, []).append(value)

    def median(self, what, who=WHARF):
        return median(self.samples[what][who])

    def compare(self, what, unit, goals=None):
        """Wharf beside every other program in `what`. `goals` has the greatest ratio to a program that is a success."""
        for who in self.samples[what]:
            if who != WHARF:
                self.beside(what, unit, self.median(what), who, self.median(what, who), (goals or {}).get(who))

    def beside(self, what, unit, ours, who, other, most=None):
        ratio = ours / other if other else None
        self.rows.append({"what": what, "unit": unit, "wharf": ours, "who": who, "other": other, "ratio": ratio, "most": most})

    def alone(self, what, unit, value, most=None):
        """A figure with a goal of its own, in its unit, and nothing beside it."""
        self.beside(what, unit, value, None, None, most)

    def not_here(self, who, reason):
        print(f"not on this host: {who}: {reason}", flush=True)
        self.absent[who] = reason

    def print(self):
        print(f"\n{self.title}: medians of {self.rounds} rounds; other programs used {self.busy} % of the processors before it")
        for row in self.rows:
            ours, other = (f"{number(row[key])} {row['unit']}" if row[key] is not None else "" for key in ("wharf", "other"))
            ratio = f"{row['ratio']:.2f}" if row["ratio"] is not None else ""
            print(f"  {row['what']:58} {ours:>12}  {row['who'] or '':34} {other:>12}  {ratio:>6}  {goal(row)}".rstrip())

    def save(self, path):
        kept = {key: getattr(self, key) for key in ("title", "rounds", "rows", "absent", "busy")}
        with open(path, "w") as file:
            json.dump(kept, file, indent=1)


def missed(row):
    value = row["wharf"] if row["who"] is None else row["ratio"]
    # A ratio to nothing: what the other program does not do at all.
    return row["most"] is not None and (value is None or value > row["most"])


def goal(row):
    if row["most"] is None:
        return ""
    unit = f" {row['unit']}" if row["who"] is None and row["unit"] else ""
    return f"at most {row['most']}{unit}" + (", MISSED" if missed(row) else "")
