"""What was measured of each contender, in rounds, and the ratios of one to another."""

import statistics
import sys


class Figures:
    """The figures of one comparison: a value a round, of each contender."""

    def __init__(self):
        self.values = {}

    def note(self, who, figures, counts):
        """Notes a round's figures of a contender, if they count; the contenders keep the order in which they first came."""
        noted = self.values.setdefault(who, {})
        for name, value in figures.items() if counts else ():
            noted.setdefault(name, []).append(value)

    def contenders(self):
        return list(self.values)

    def all(self, who, name):
        return self.values[who][name]

    def median(self, who, name):
        return statistics.median(self.values[who][name])

    def ratio(self, who, to, name):
        """The median of the rounds' ratios: what else the machine did in a round met both."""
        pairs = zip(self.values[who][name], self.values[to][name], strict=True)
        return statistics.median(ours / other for ours, other in pairs)


def in_turns(what, contenders, rounds):
    """Each contender once a round, with whether it counts; the first round warms up, and each begins with another contender."""
    for number in range(rounds + 1):
        at = number % len(contenders)
        for contender in contenders[at:] + contenders[:at]:
            yield contender, number > 0
        said = f"round {number} of {rounds}" if number else "warm-up"
        print(f"  {what}: {said}", file=sys.stderr)
