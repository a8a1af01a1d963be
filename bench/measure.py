"""Commands that are run again and again, in turns, and how long each takes and how much memory it fills."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field


@dataclass
class Command:
    """A contestant's command of one workload."""

    who: str
    words: list
    folder: object
    environment: dict = field(default_factory=dict)
    # What it must have printed, or the report without a failure that it must have written: nothing counts but what was done.
    says: str = ""
    wrote: str = ""
    walls: list = field(default_factory=list)
    cpus: list = field(default_factory=list)
    peaks: list = field(default_factory=list)

    def run(self):
        """Runs once: wall and CPU seconds, and the peak of the resident memory (MB) of its largest process."""
        output = self.folder / "output.txt"
        with output.open("w") as said:
            began = time.perf_counter()
            child = subprocess.Popen(
                [str(word) for word in self.words],
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - began
            child.returncode = os.waitstatus_to_exitcode(status)
        text = output.read_text(errors="replace")
        failed = self.wrote and "<failure" in (self.folder / self.wrote).read_text(encoding="utf-8")
        if child.returncode != 0 or self.says not in text or failed:
            raise SystemExit(f"error: {self.who} ended with {child.returncode}: {' '.join(map(str, self.words))}\n{text[-2000:]}")
        self.walls.append(wall)
        self.cpus.append(usage.ru_utime + usage.ru_stime)
        self.peaks.append(usage.ru_maxrss / 1024)

    wall = property(lambda self: statistics.median(self.walls))
    cpu = property(lambda self: statistics.median(self.cpus))
    peak = property(lambda self: statistics.median(self.peaks))


def interleaved(commands, rounds):
    """Runs each once to warm up, then all in turns, each round beginning with another: what else the machine does meets all."""
    for command in commands:
        command.run()
        command.walls.clear(), command.cpus.clear(), command.peaks.clear()
    for number in range(rounds):
        at = number % len(commands)
        for command in commands[at:] + commands[:at]:
            command.run()
        print(f"  round {number + 1} of {rounds}", file=sys.stderr)
