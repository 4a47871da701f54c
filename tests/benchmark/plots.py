#!/usr/bin/env python3
"""Draws the results of run_benchmarks --compare: one page, SVG, readable on light and on dark ground.

    plots.py [RESULTS.json [PLOTS.svg]]
"""

import json
import math
import pathlib
import sys
from xml.sax.saxutils import escape

from measuring import cpu_per_million, rate, spread

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs"

COLUMN, GAP, MARGIN = 620, 30, 20
ROW, LABELS, NUMBERS = 22, 245, 110  # of bars
CURVES = 230  # height of a plot of lines
STYLE = """
  .ground { fill: #ffffff } text { fill: #24292f; font: 12px system-ui, sans-serif }
  text.title { font-weight: 600; font-size: 14px } text.quiet { fill: #57606a }
  .axis { stroke: #8c959f } .grid { stroke: #d0d7de } .spread { stroke: #24292f; stroke-width: 1.5 }
  .millrace { fill: #1f6feb; stroke: #1f6feb } .kafka { fill: #d9730d; stroke: #d9730d }
  .python { fill: #2da44e; stroke: #2da44e } .bare { fill: #8c959f; stroke: #8c959f }
  .curve { fill: none; stroke-width: 2 } .second { stroke-dasharray: 6 4 } .faint { fill-opacity: 0.35; stroke: none }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } text { fill: #e6edf3 } text.quiet { fill: #9198a1 } .axis { stroke: #656c76 }
    .grid { stroke: #2f353d } .spread { stroke: #e6edf3 }
    .millrace { fill: #4493f8; stroke: #4493f8 } .kafka { fill: #f0883e; stroke: #f0883e }
    .python { fill: #3fb950; stroke: #3fb950 } .bare { fill: #9198a1; stroke: #9198a1 }
  }
"""


def family(name):
    for start in ["Millrace", "Kafka", "Python"]:
        if name.startswith(start):
            return start.lower()
    return "millrace" if name in ("count_keys", "sorted_merge", "keep_values") else "bare"


def short(number):
    if number == 0:
        return "0"
    for factor, letter in [(1e9, "G"), (1e6, "M"), (1e3, "k")]:
        if abs(number) >= factor:
            return f"{number / factor:.3g} {letter}"
    return f"{number:.3g}"


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def heading(title, unit):
    return [text(0, 14, title, "title"), text(COLUMN, 14, unit, "quiet", "end")]


def bar(y, width, kind):
    return f'<rect x="{LABELS}" y="{y}" width="{width:.1f}" height="15" class="{kind}"/>'


# A panel is (height, elements), drawn from (0, 0) on and as wide as a column.

def bars(title, unit, rows):
    """rows: (label, (median, least, most), and a second value that is drawn fainter behind it, or None)."""
    longest = max(max(three[2], (behind or three)[2]) for _, three, behind in rows)
    width = COLUMN - LABELS - NUMBERS
    out, y = heading(title, unit), 26

    def x(value):
        return LABELS + value / longest * width

    for label, three, behind in rows:
        median, least, most = three
        kind = family(label)
        out.append(text(LABELS - 8, y + 14, label, anchor="end"))
        if behind:
            out.append(bar(y + 3, x(behind[0]) - LABELS, f"{kind} faint"))
        out.append(bar(y + 3, x(median) - LABELS, kind))
        for value in (three, behind) if behind else (three,):
            out.append(line(x(value[1]), y + 10.5, x(value[2]), y + 10.5, "spread"))
        numbers = short(median) + (f"; {short(behind[0])}" if behind else "")
        out.append(text(x(max(most, behind[2] if behind else 0)) + 8, y + 14, numbers))
        y += ROW
    return y + 14, out


def ticks(least, most, logarithmic):
    if logarithmic:
        return [10.0 ** power for power in range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)]
    step = 10.0 ** math.floor(math.log10(most / 4))
    step *= next(factor for factor in [1, 2, 2.5, 5, 10] if most / (step * factor) <= 5)
    return [step * number for number in range(math.ceil(most / step) + 1)]


def curves(title, unit, across, series, log_y=False):
    """series: name -> [(x, (median, least, most))]; each x is as far from the next, as they double or grow tenfold."""
    left, top, bottom, right = 60, 30, CURVES - 40, COLUMN - 130
    values = [value for points in series.values() for _, three in points for value in three]
    marks = ticks(min(values), max(values), log_y)
    xs = [x for x, _ in next(iter(series.values()))]
    out = heading(title, unit)

    def at_x(x):
        return left + 25 + xs.index(x) / max(1, len(xs) - 1) * (right - left - 50)

    def at_y(value):
        low, high = (math.log10(marks[0]), math.log10(marks[-1])) if log_y else (marks[0], marks[-1])
        return bottom - ((math.log10(value) if log_y else value) - low) / (high - low) * (bottom - top)

    for mark in marks:
        out.append(line(left, at_y(mark), right, at_y(mark), "grid"))
        out.append(text(left - 6, at_y(mark) + 4, short(mark), "quiet", "end"))
    out.append(line(left, bottom, right, bottom, "axis"))
    out += [text(at_x(x), bottom + 16, short(x), "quiet", "middle") for x in xs]
    out.append(text((left + right) / 2, bottom + 33, across, "quiet", "middle"))
    ends = []
    for number, (name, points) in enumerate(series.items()):
        second = " second" if number else ""
        path = " ".join(f"{at_x(x):.1f},{at_y(three[0]):.1f}" for x, three in points)
        out.append(f'<polyline points="{path}" class="curve millrace{second}" style="fill: none"/>')
        for x, three in points:
            out.append(line(at_x(x), at_y(three[1]), at_x(x), at_y(three[2]), "spread"))
            out.append(f'<circle cx="{at_x(x):.1f}" cy="{at_y(three[0]):.1f}" r="3" class="millrace"/>')
        ends.append([at_y(points[-1][1][0]), name])
    ends.sort()
    for above, below in zip(ends, ends[1:]):
        below[0] = max(below[0], above[0] + 15)
    out += [text(right + 8, y + 4, name) for y, name in ends if len(series) > 1]
    return CURVES + 14, out


def three_of(side, key):
    return spread(side, lambda run: run[key])


def compared_panels(sections):
    if "users" in sections:
        for compression, title in [("none", "uncompressed"), ("lz4", "lz4")]:
            sides = sections["users"][compression]
            yield bars(f"Unique users, {title}", "frames/s", [(name, rate(side), None) for name, side in sides.items()])
            yield bars(f"Unique users, {title}", "CPU seconds a million frames",
                       [(name, cpu_per_million(side), None) for name, side in sides.items()])
    if "copy" in sections:
        yield bars("Pass-through", "frames/s",
                   [(name, rate(side), None) for name, side in sections["copy"]["sides"].items()])
        yield bars("Pass-through", "CPU seconds a million frames",
                   [(name, cpu_per_million(side), None) for name, side in sections["copy"]["sides"].items()])
    for kind, title in [("copies", "Latency of a copied frame"), ("windows", "Latency of a window's result")]:
        if "latency" in sections:
            yield bars(title, "ms: p50 and, fainter, p99",
                       [(name, three_of(side, "p50_ms"), three_of(side, "p99_ms"))
                        for name, side in sections["latency"][kind].items()])
    if "restart" in sections:
        yield bars("After a lost disk", "seconds until it runs and, fainter, to the end",
                   [(name, three_of(side, "runs_after"), three_of(side, "seconds"))
                    for name, side in sections["restart"]["sides"].items()])


def pair_panels(sections):
    for name, key, title in [("count", "count", "count per key"), ("merge", "merge", "Sorted merge"),
                             ("restore", "restore", "Restore, against a bare reader")]:
        if name not in sections:
            continue
        rows = [(side, [each["frames_per_s"]] * 3, None) for side, each in sections[name][key]["sides"].items()]
        if name == "merge":
            peer = sections[name]["kafka_streams"]
            rows.append(("Kafka Streams, own processor", [sections[name]["records"] / peer["seconds"]] * 3, None))
        yield bars(title, "records/s", rows)


def growth_panels(section):
    def threads(number):
        return [(int(name.split()[0]), rate(side)) for name, side in section["partitions"].items()
                if name.endswith(f"x {number}")]

    def method(name, value):
        return [(int(side.split()[0]), value(each)) for side, each in section["users"]["sides"].items()
                if side.endswith(name)]

    yield curves("More partitions", "frames/s", "partitions", {"1 thread": threads(1), "2 threads": threads(2)})
    yield curves("More users in a window", "CPU µs a frame", "users", {"exact": method("exact", cpu_per_million),
                                                                        "sketch": method("sketch", cpu_per_million)})
    yield curves("More users in a window", "MB of peak memory", "users",
                 {name: method(name, lambda side: three_of(side, "peak_mb")) for name in ["exact", "sketch"]},
                 log_y=True)
    yield curves("More windows in one run", "CPU µs a frame", "windows",
                 {"windows": [(int(name), cpu_per_million(side)) for name, side in section["windows"].items()]})
    if section["formats"]:
        rows = []
        for name, side in section["formats"].items():
            whole, share = cpu_per_million(side), side["parser"] or 0
            rows.append((f"Millrace, {name}", tuple(value * share for value in whole), whole))
        yield bars("Formats of frames", "CPU µs a frame: the parser's and, fainter, all", rows)


def draw(sections):
    """The page, or nothing where nothing of it has been measured."""
    panels = [*compared_panels(sections), *pair_panels(sections),
              *(growth_panels(sections["growth"]) if "growth" in sections else [])]
    if not panels:
        return None
    heights = [MARGIN, MARGIN]
    body = []
    for height, elements in panels:
        column = heights.index(min(heights))
        body += [f'<g transform="translate({MARGIN + column * (COLUMN + GAP)},{heights[column]})">', *elements, "</g>"]
        heights[column] += height + GAP
    width, height = 2 * (MARGIN + COLUMN) + GAP, max(heights)
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
                      f'height="{height}">', f"<style>{STYLE}</style>",
                      f'<rect width="{width}" height="{height}" class="ground"/>', *body, "</svg>", ""])


def main():
    results = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "benchmarks.json"
    plots = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else results.with_suffix(".svg")
    drawn = draw(json.loads(results.read_text()))
    if drawn is None:
        sys.exit(f"plots.py: nothing to draw in {results}")
    plots.write_text(drawn)


if __name__ == "__main__":
    main()
