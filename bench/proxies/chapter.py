"""The chapter of the results that compares Momus' edges with other proxies."""

import re
from datetime import date

from . import tables
from .compare import compare
from .loads import CLIENTS
from .tables import Aim
from .upstreams import ACCOUNTS

ROUNDS = 5
# How long each load lasts by itself.
SECONDS = 2


def write(peers, machine, benched, rounds, seconds):
    """Runs all of it; `benched` runs a benchmark of cargo's."""
    text, aims = compare(peers.programs, rounds, seconds)
    kafka = benched("kafka", str(rounds))
    rows = re.findall(r"^\| ((?:produced|consumed).*?) \|.*\| ([\d.]+) \|$", kafka, re.MULTILINE)
    if not rows:
        raise SystemExit(f"error: no ratio is in what the Kafka benchmark printed:\n{kafka}")
    aims += [Aim(f"Momus, Kafka edge, {what}, of direct", float(ratio), 0.8) for what, ratio in rows]
    versions = "\n".join(f"- {name} {version}" for name, version in peers.versions.items())
    sizes = {"rounds": rounds, "seconds": seconds, "clients": CLIENTS, "accounts": ACCOUNTS}
    head = HEAD.format(day=date.today(), machine=machine, versions=versions, **sizes)
    return f"{head}\n### Aims\n\n{tables.aims(aims)}{text}### Kafka\n\n{kafka}"


HEAD = """# Momus' edges beside other proxies

{day}; {machine}. Medians of {rounds} rounds, in each of which every contender is measured once for {seconds} s, after one
round to warm up; a ratio is the median of the rounds' ratios. All run on the same cores, the load and the upstream among them:
{versions}

Each proxy is a process of its own, with as many threads as it takes by itself. HAProxy forwards TCP (its splicing is not asked
for) and is the floor. An edge is proxies/examples/edge.rs, which has the allocator and the runtime of `momus`; its timeline is
taken every second. CPU is the user and system time of the proxy's process. HTTP is a small answer of nginx's (one worker), asked
for by `wrk` with one thread. The large answer comes out of memory. An idle connection had one exchange, and its memory is the
growth of the process' proportional share (Pss), without what the kernel holds of it; each such process is a new one. Postgres
holds {accounts:,} accounts and is asked by {clients} clients. Records pass librdkafka with its defaults: produced into three
partitions, then consumed from their beginning; the edge is in librdkafka's process, and the broker is Apache Kafka's.
"""
