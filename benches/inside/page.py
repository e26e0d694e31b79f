"""The page of the manual: one table of all parts, and a chart for each."""

import datetime
import importlib
import json
import os
import subprocess
import textwrap

from chart import chart
from figures import goal, number
from host import write as write_file

ORDER = ("generate", "resident", "life", "stacks", "logs", "unhealthy")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def machine():
    release = dict(line.rstrip().split("=", 1) for line in open("/etc/os-release") if "=" in line)
    systemd = output("systemctl", "--version").split()[1]
    docker = ".".join(output("docker", "version", "--format", "{{.Server.Version}}").split("+")[0].split(".")[:2])
    return f"{os.cpu_count()} cores, virtual machine, Debian {release['VERSION_CODENAME']}, systemd {systemd}, Docker {docker}"


def cells(row):
    ours = f"{number(row['wharf'])} {row['unit']}".strip()
    if row["who"] is None:
        return row["what"], ours, "", "", "", goal(row)
    other = f"{number(row['other'])} {row['unit']}".strip()
    ratio = f"{row['ratio']:.2f}" if row["ratio"] is not None else ""
    return row["what"], ours, row["who"], other, ratio, goal(row)


def write(results, directory):
    parts = {name: json.load(open(f"{results}/{name}.json")) for name in ORDER}
    text = [HEAD.format(date=datetime.date.today().isoformat(), machine=machine(), busy=max(part["busy"] for part in parts.values()))]
    for name, part in parts.items():
        method = textwrap.fill(" ".join(importlib.import_module(f"parts.{name}").METHOD.split()), 140)
        drawn = chart(part["title"], part["rows"])
        text.append(f"## {part['title']}\n\n{method}\n\n")
        if drawn:
            write_file(f"{directory}/benchmarks/{name}.svg", drawn)
            alternative = f"{part['title']}: Wharf as a ratio of other programs; the table below has the figures"
            text.append(f"![{alternative}](benchmarks/{name}.svg)\n\n")
        for who, reason in part["absent"].items():
            text.append(f"Not on this host: {who}. {reason}\n\n")
    text.append("## All figures\n\n| measurement | Wharf | compared with | its figure | ratio | goal |\n|---|--:|---|--:|--:|---|\n")
    for part in parts.values():
        rounds = f", medians of {part['rounds']}" if part["rounds"] > 1 else ""
        text.append(f"| **{part['title']}**{rounds} | | | | | |\n")
        text.extend(f"| {' | '.join(cells(row))} |\n" for row in part["rows"])
    write_file(f"{directory}/benchmarks.md", "".join(text))


HEAD = """# Benchmarks

Written by `make bench` on {date}: {machine}.

Each part ran on a fresh [test host](../../tests/host/README.md) on which the programs took turns. A figure is the median of all rounds.
Times depend on the machine, so compare the ratios: Wharf's figure divided by that of the other program. Less is better in every row. The
machine was not reserved for this: before a part began, other programs used up to {busy} % of the processors.

"""
