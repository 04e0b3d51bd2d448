"""The samples of one run, and the table made of them."""

import json
import statistics

from rows import BARS, COLUMNS, ROWS


class Results:
    """Samples by row and column. Those of one round have the same place in every list."""

    def __init__(self):
        self.samples, self.notes = {}, []

    def add(self, row, column, number, value, best=None):
        self.samples.setdefault(row, {}).setdefault(column, {})[number] = (value, best if best is not None else value)

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def values(self, row, column):
        return self.samples.get(row, {}).get(column, {})

    def median(self, row, column):
        values = [value for value, _ in self.values(row, column).values()]
        return statistics.median(values) if values else None

    def best(self, row, column):
        """The lowest; of rates the highest."""
        values = [best for _, best in self.values(row, column).values()]
        return (max if dict(ROWS)[row] == "1/s" else min)(values) if values else None

    def spread(self, row, column):
        """The range of the samples, in percent of their median."""
        values = [value for value, _ in self.values(row, column).values()]
        middle = self.median(row, column)
        return (max(values) - min(values)) / middle * 100 if len(values) > 1 and middle else None

    def ratio(self, row, column, other):
        """The median of the ratios in each round: the machine's mood is the same in both."""
        ours, theirs = self.values(row, column), self.values(row, other)
        ratios = [ours[number][0] / theirs[number][0] for number in ours if number in theirs and theirs[number][0]]
        return statistics.median(ratios) if ratios else None


def judge(results):
    """{row: (text of the bar, what it is held against, met)}"""
    bars = {}
    for row, sense, limit, other in BARS:
        value = results.ratio(row, "libgreen", other) if other else results.median(row, "libgreen")
        text = f"{sense} {limit:g}" + (f" x {other}" if other else "")
        met = None if value is None else value <= limit if sense == "<=" else value >= limit
        bars[row] = (text, value, met)
    return bars


def figure(value):
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def show(results, bars, about):
    for line in about:
        print(line)
    print()
    head = ("", "", "libgreen", "best", "spread", *COLUMNS[1:], "bar", "")
    lines = [head]
    for row, unit in ROWS:
        if row not in results.samples:
            continue
        spread = results.spread(row, "libgreen")
        text, value, met = bars.get(row, ("", None, None))
        verdict = {True: "met", False: "MISSED", None: ""}[met]
        if met is not None and " x " in text:
            verdict += f" ({value:.2f})"
        lines.append((row, unit, figure(results.median(row, "libgreen")), figure(results.best(row, "libgreen")),
                      "-" if spread is None else f"{spread:.0f} %",
                      *(figure(results.median(row, column)) for column in COLUMNS[1:]), text, verdict))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) if i < 2 or i >= len(head) - 2 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())
    missing = [row for row, (_, value, _) in bars.items() if value is None]
    if missing:
        results.note("bars not measured: " + ", ".join(missing))
    print()
    for note in results.notes:
        print("note: " + note)


def write_json(path, results, bars, about):
    with open(path, "w") as file:
        json.dump({"about": about, "notes": results.notes,
                   "samples": {row: {column: list(values.values()) for column, values in columns.items()}
                               for row, columns in results.samples.items()},
                   "bars": {row: {"bar": text, "measured": value, "met": met}
                            for row, (text, value, met) in bars.items()}}, file, indent=1)
        file.write("\n")
