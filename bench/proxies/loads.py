"""The loads: what is sent through a contender, and the figures that come of it."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from .children import ends_with_us
from .upstreams import LARGE, postgres_program, reached

TICKS = os.sysconf("SC_CLK_TCK")
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
CLIENTS = 4
# How long a byte may be waited for, in seconds.
PATIENCE = 30


def http(wrk, contender, connections, seconds):
    """Requests of the small answer, each connection with one at a time: requests/s, latencies and the proxy's CPU, in seconds."""
    address = f"http://127.0.0.1:{contender.port}/small"
    before = cpu(contender)
    said = load([wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", address])
    used = cpu(contender) - before
    failed = re.search(r"Non-2xx|Socket errors: (?!connect 0, read 0, write 0)", said)
    count = int(number(r"(\d+) requests in", said))
    if failed or count == 0:
        raise SystemExit(f"error: {contender.who}: requests failed\n{said}")
    contender.passed += count
    return {
        "rate": number(r"Requests/sec:\s+([\d.]+)", said),
        "p50": latency("50%", said),
        "p99": latency("99%", said),
        "cpu": used / count,
    }


def latency(which, said):
    found = re.search(rf"^\s+{which}\s+([\d.]+)(us|ms|s|m)$", said, re.MULTILINE)
    return float(found[1]) * UNITS[found[2]]


def large(contender):
    """The large answer, once: bytes/s, and the proxy's CPU a byte."""
    buffer = memoryview(bytearray(1 << 18))
    before = cpu(contender)
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", contender.port), PATIENCE) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nhost: upstream\r\nconnection: close\r\n\r\n")
        came, head = 0, b""
        while b"\r\n\r\n" not in head:
            part = connection.recv(1 << 16)
            if not part:
                raise SystemExit(f"error: {contender.who}: no answer came")
            head += part
        came = len(head) - head.index(b"\r\n\r\n") - 4
        while count := connection.recv_into(buffer):
            came += count
    took = time.perf_counter() - began
    if came != LARGE or not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"error: {contender.who}: {came} bytes of {LARGE} came")
    return {"rate": came / took, "cpu": (cpu(contender) - before) / came}


def postgres(contender, mode, seconds):
    """Selects by pgbench: transactions/s, their mean latency, and the proxy's CPU for each."""
    words = [postgres_program("pgbench"), "-n", "-S", "-M", mode, "-c", str(CLIENTS), "-j", "1", "-T", str(seconds)]
    before = cpu(contender)
    said = load([*words, *reached(contender.port)])
    count = int(number(r"number of transactions actually processed: (\d+)", said))
    contender.passed += count
    return {
        "rate": number(r"tps = ([\d.]+) \(without", said),
        "mean": number(r"latency average = ([\d.]+) ms", said) / 1000,
        "cpu": (cpu(contender) - before) / max(count, 1),
    }


@contextlib.contextmanager
def idle(contender, count):
    """This many connections that are used once, and then kept and left alone until the block ends."""
    with contextlib.ExitStack() as kept:
        for _ in range(count):
            connection = kept.enter_context(socket.create_connection(("127.0.0.1", contender.port), PATIENCE))
            connection.sendall(b"GET /small HTTP/1.1\r\nhost: upstream\r\n\r\n")
            if not connection.recv(1 << 16).startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"error: {contender.who}: no answer came")
        yield


def cpu(contender):
    """User and system time of the proxy's process so far, in seconds."""
    if contender.proxy is None:
        return 0.0
    stat = Path(f"/proc/{contender.proxy.pid}/stat").read_text(encoding="utf-8")
    fields = stat.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(contender):
    """The proxy's proportional share of memory (Pss), in bytes."""
    if contender.proxy is None:
        return 0
    rollup = Path(f"/proc/{contender.proxy.pid}/smaps_rollup").read_text(encoding="utf-8")
    return int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1]) * 1024


def load(words):
    """What a program of load prints; its failure ends the benchmark."""
    ran = subprocess.run(
        words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=ends_with_us(signal.SIGTERM)
    )
    if ran.returncode != 0:
        raise SystemExit(f"error: ended with {ran.returncode}: {' '.join(map(str, words))}\n{ran.stdout[-2000:]}")
    return ran.stdout


def number(pattern, said):
    found = re.search(pattern, said)
    if not found:
        raise SystemExit(f"error: `{pattern}` is not in what was printed:\n{said}")
    return float(found[1])
