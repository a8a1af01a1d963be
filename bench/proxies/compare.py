"""The comparison: each load through every contender in turns, as tables and aims."""

import resource
import tempfile
from pathlib import Path

from . import loads, tables
from .children import Children, while_needed
from .contenders import DIRECT, FLOOR, HTTP_EDGE, POSTGRES_EDGE, TCP_EDGE, TOXIPROXY, Contenders
from .figures import Figures, in_turns
from .tables import Aim
from .upstreams import ACCOUNTS, LARGE, nginx, postgres

CONNECTIONS = (1, 16, 256)
IDLE = 1_000
# Beside the idle connections.
BUSY = 16
PEERS = (DIRECT, FLOOR, TOXIPROXY)


def compare(programs, rounds, seconds):
    """All loads but Kafka's, as text and aims; each single one lasts some seconds."""
    # Each idle connection takes one on this side, and two in a proxy.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="momus-bench-") as name, Children() as children:
        folder = Path(name)
        # Postgres is another user.
        folder.chmod(0o755)
        contenders = Contenders(programs, folder)
        port = nginx(children, programs["nginx"], folder)
        web = [contenders.direct, contenders.haproxy, contenders.toxiproxy, contenders.tcp_edge, contenders.http_edge]
        parts = [
            http(programs["wrk"], web, port, rounds, seconds),
            idle(programs["wrk"], web, port, rounds, seconds),
            sessions(contenders, postgres(children, folder), rounds, seconds),
        ]
    return "".join(text for text, _ in parts), [aim for _, aims in parts for aim in aims]


def http(wrk, starts, port, rounds, seconds):
    """Small answers at several counts of connections, then the large one."""
    text, aims = "", []
    with while_needed(lambda own: [start(own, port) for start in starts]) as ways:
        for connections in CONNECTIONS:
            figures = Figures()
            for way, counts in in_turns(f"HTTP, {connections}", ways, rounds):
                figures.note(way.who, loads.http(wrk, way, connections, seconds if counts else 1), counts)
            text += f"### HTTP, {connections} connection{'s' if connections > 1 else ''}\n\n"
            columns = [
                ("requests/s", tables.spread("rate", tables.count)),
                ("p50", tables.median("p50", tables.time)),
                ("p99", tables.median("p99", tables.time)),
                ("CPU a request", tables.of_proxy("cpu", tables.microseconds)),
            ]
            text += tables.compared(figures, columns, PEERS)
            aims += of_edges(figures, f"requests/s at {connections}", {TCP_EDGE: 1.0, HTTP_EDGE: 0.85})
        figures = Figures()
        for way, counts in in_turns("bulk", ways, rounds):
            figures.note(way.who, loads.large(way), counts)
    # A request and a response.
    has_recorded(ways, HTTP_EDGE, lambda passed: 2 * passed)
    text += f"### An answer of {LARGE >> 20} MiB\n\n"
    columns = [
        ("MB/s", tables.spread("rate", tables.megabytes)),
        ("CPU a GB", tables.of_proxy("cpu", lambda seconds: f"{seconds * 1e12:.0f} ms")),
    ]
    text += tables.compared(figures, columns, PEERS)
    return text, aims + of_edges(figures, "bulk", {TCP_EDGE: 1.0, HTTP_EDGE: 0.85})


def of_edges(figures, what, least):
    """What edges are to be of the floor, and of Toxiproxy."""
    of_floor = [Aim(f"{edge}, {what}, of {FLOOR}", figures.ratio(edge, FLOOR, "rate"), bound) for edge, bound in least.items()]
    return of_floor + [Aim(f"{edge}, {what}, of {TOXIPROXY}", figures.ratio(edge, TOXIPROXY, "rate"), 1.2) for edge in least]


def idle(wrk, starts, port, rounds, seconds):
    """What idle connections take, and what they do to the others; each proxy is a new process every time."""
    figures = Figures()
    for start, counts in in_turns(f"{IDLE} idle", starts, rounds):
        with while_needed(lambda own, start=start: start(own, port)) as way:
            without = loads.http(wrk, way, BUSY, seconds if counts else 1)
        with while_needed(lambda own, start=start: start(own, port)) as way:
            # The first has the process set up what it sets up once.
            with loads.idle(way, 1):
                before = loads.memory(way)
                with loads.idle(way, IDLE):
                    each = (loads.memory(way) - before) / IDLE
                    beside = loads.http(wrk, way, BUSY, seconds if counts else 1)
        noted = {"memory": each, "without": without["p99"], "p99": beside["p99"], "grown": beside["p99"] / without["p99"]}
        figures.note(way.who, noted, counts)
    columns = [
        ("memory a connection", tables.of_proxy("memory", tables.kilobytes)),
        ("p99 without", tables.spread("without", tables.time)),
        ("p99 beside them", tables.spread("p99", tables.time)),
        ("without = 1", tables.median("grown", lambda ratio: f"{ratio:.2f}")),
    ]
    text = f"### {IDLE:,} idle connections, beside {BUSY} busy ones\n\n" + tables.compared(figures, columns, ())
    size = {"most": 40.0, "shown": "{:.1f}"}
    edges = (TCP_EDGE, HTTP_EDGE)
    return text, [Aim(f"{edge}, KB an idle connection", figures.median(edge, "memory") / 1000, **size) for edge in edges]


def sessions(contenders, port, rounds, seconds):
    """Selects of pgbench, by the simple protocol and as prepared statements."""
    text, aims = "", []
    starts = [contenders.direct, contenders.haproxy, contenders.toxiproxy, contenders.postgres_edge]
    with while_needed(lambda own: [start(own, port) for start in starts]) as ways:
        for mode in ("simple", "prepared"):
            figures = Figures()
            for way, counts in in_turns(f"Postgres, {mode}", ways, rounds):
                figures.note(way.who, loads.postgres(way, mode, seconds if counts else 1), counts)
            columns = [
                ("transactions/s", tables.spread("rate", tables.count)),
                ("mean latency", tables.median("mean", tables.time)),
                ("CPU a transaction", tables.of_proxy("cpu", tables.microseconds)),
            ]
            text += f"### `pgbench -S -M {mode} -c {loads.CLIENTS}`\n\n" + tables.compared(figures, columns, PEERS)
            aims.append(Aim(f"{POSTGRES_EDGE}, {mode}, of {DIRECT}", figures.ratio(POSTGRES_EDGE, DIRECT, "rate"), 0.7))
    # A read that is answered as it was before is recorded once.
    has_recorded(ways, POSTGRES_EDGE, lambda passed: min(passed, ACCOUNTS // 5) // 2)
    return text, aims


def has_recorded(ways, who, least):
    """Ends the benchmark where an edge did not record what passed: it would be measured as what it is not."""
    edge = next(way for way in ways if way.who == who)
    recorded = edge.recorded()
    if recorded < least(edge.passed):
        raise SystemExit(f"error: {who}: recorded {recorded} events of {edge.passed} requests")
