# SPDX-License-Identifier: Apache-2.0
"""What the performance gate compares, and how it says so."""
import statistics


class Line:
    """A figure of both sides; less is better. None: that side does not have it."""

    def __init__(self, what, name, base, new, limit_percent, sure=True):
        self.what, self.name, self.base, self.new = what, name, base, new
        self.limit_percent, self.sure = limit_percent, sure

    def change_percent(self):
        return (self.new / self.base - 1) * 100

    def compared(self):
        return self.base is not None and self.new is not None

    def regressed(self):
        # What is no longer measured would otherwise never fail again.
        if self.new is None:
            return True
        return self.base is not None and self.sure and self.change_percent() > self.limit_percent

    def better(self):
        return self.compared() and self.change_percent() < -self.limit_percent

    def verdict(self):
        if self.new is None:
            return "GONE"
        if self.base is None:
            return "new"
        return "REGRESSION" if self.regressed() else "better" if self.better() else ""


def paired_line(what, name, pairs, limit_percent):
    """Noisy figures, measured in turn. A regression must show both in the median of the pairs' ratios and between the
    two sides' best runs: a neighbour that slows down one run moves one of the two, not both."""
    pairs = [pair for pair in pairs if None not in pair]
    if not pairs:
        return Line(what, name, None, None, limit_percent)
    best_base, best_new = min(base for base, _ in pairs), min(new for _, new in pairs)
    median = statistics.median(new / base for base, new in pairs)
    sure = best_new / best_base > 1 + limit_percent / 100
    return Line(what, name, best_base, best_base * median, limit_percent, sure)


def number(value):
    if value is None:
        return "-"
    if isinstance(value, int):
        return str(value)
    return f"{value:.3f}" if value < 10 else f"{value:.1f}" if value < 100_000 else f"{value:.0f}"


def print_table(lines, base_title, new_title):
    """The exit status: 3 where something regressed."""
    print(f"{'what':<20} {'name':<50} {base_title:>12} {new_title:>12} {'change':>9} {'limit':>7}")
    for line in lines:
        change = f"{line.change_percent():+.1f} %" if line.compared() else "-"
        print(f"{line.what:<20} {line.name:<50} {number(line.base):>12} {number(line.new):>12} {change:>9} "
              f"{line.limit_percent:>5} %  {line.verdict()}".rstrip())
    regressions = sum(line.regressed() for line in lines)
    if regressions:
        print(f"{regressions} of {len(lines)} figures regressed")
        return 3
    print(f"no regression in {len(lines)} figures")
    return 0
