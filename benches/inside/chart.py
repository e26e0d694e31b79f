"""A chart of ratios: one horizontal bar for each comparison, in SVG that follows the reader's dark or light mode."""

from figures import missed

WIDTH, LABEL, BAR_ROW, HEAD_ROW, VALUE = 800, 240, 22, 28, 190
# A longer bar is cut, so that the others can be read.
LONGEST = 3
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 } .what { font-weight: 600 }
.bar { fill: #2f6fab } .missed { fill: #c2571a } .equal { stroke: #6e7781; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #d0d7de } .bar { fill: #6cb0f0 } .missed { fill: #f0915a } .equal { stroke: #8c959f }
}
"""


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def described(row):
    return f"{row['what']}: {row['ratio']:.2f} of {row['who']}"


def chart(title, rows):
    """The text of an SVG file, or None if nothing was compared."""
    rows = [row for row in rows if row["ratio"] is not None]
    if not rows:
        return None
    scale = (WIDTH - LABEL - VALUE) / min(LONGEST, max(1.25, *(row["ratio"] for row in rows)))
    equal = LABEL + scale
    parts, top, what = [], 56, None
    for row in rows:
        if row["what"] != what:
            what, top = row["what"], top + HEAD_ROW
            parts.append(f'<text class="what" x="10" y="{top - 6}">{escape(what)}</text>')
        length = max(1, min(row["ratio"], LONGEST) * scale)
        value = f"{row['ratio']:.2f}" + (f" (goal: {row['most']})" if row["most"] else "")
        value += ", bar cut" if row["ratio"] > LONGEST else ""
        end = LABEL + length + 6
        if end - 8 < equal < end + 8 * len(value):
            end = equal + 6
        kind = "missed" if missed(row) else "bar"
        parts.append(f'<text x="{LABEL - 8}" y="{top + 14}" text-anchor="end">{escape(row["who"])}</text>'
                     f'<rect class="{kind}" x="{LABEL}" y="{top + 3}" width="{length:.1f}" height="14" rx="2"/>'
                     f'<text x="{end:.1f}" y="{top + 14}">{value}</text>')
        top += BAR_ROW
    height = top + 12
    description = "; ".join(map(described, rows))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"
 role="img" aria-labelledby="title description">
<title id="title">{escape(title)}: Wharf as a ratio of other programs</title>
<desc id="description">{escape(description)}</desc>
<style>{STYLE}</style>
<text class="title" x="10" y="24">{escape(title)}</text>
<text x="10" y="46">Wharf as a ratio of each other program; shorter is better, the dashed line is equal</text>
<line class="equal" x1="{equal:.1f}" y1="58" x2="{equal:.1f}" y2="{height - 8}"/>
{chr(10).join(parts)}
</svg>
"""
