"""The contenders: nothing in between, HAProxy in TCP mode (the floor), Toxiproxy, and Momus' edges."""

import json
import subprocess
from dataclasses import dataclass

from .children import Child, accepts, free_port

DIRECT = "direct"
FLOOR = "HAProxy, TCP"
TOXIPROXY = "Toxiproxy"
TCP_EDGE = "Momus, TCP edge"
HTTP_EDGE = "Momus, HTTP edge"
POSTGRES_EDGE = "Momus, Postgres edge"

# Threads and buffers as HAProxy has them by itself.
HAPROXY = """global
  maxconn 8192
defaults
  mode tcp
  timeout connect 10s
  timeout client 1h
  timeout server 1h
listen upstream
  bind 127.0.0.1:{port}
  server upstream 127.0.0.1:{upstream}
"""


@dataclass
class Contender:
    """A way to the upstream: where it is entered, and the proxy on it."""

    who: str
    port: int
    proxy: Child = None
    # How many requests or transactions have passed it.
    passed: int = 0

    def recorded(self):
        """How many events an edge says that it recorded, once it is stopped."""
        return int(self.proxy.process.stdout.read())


class Contenders:
    """Starts each contender in front of an upstream's port."""

    def __init__(self, programs, folder):
        self.programs = programs
        self.folder = folder

    def direct(self, _children, upstream):
        return Contender(DIRECT, upstream)

    def haproxy(self, children, upstream):
        port = free_port()
        config = self.folder / f"haproxy-{port}.cfg"
        config.write_text(HAPROXY.format(port=port, upstream=upstream), encoding="utf-8")
        proxy = children.start([self.programs["HAProxy"], "-db", "-q", "-f", config], stdin=subprocess.DEVNULL)
        return Contender(FLOOR, port, proxy.until(lambda: accepts(port)))

    def toxiproxy(self, children, upstream):
        port, control = free_port(), free_port()
        config = self.folder / f"toxiproxy-{port}.json"
        proxies = [{"name": "upstream", "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{upstream}", "enabled": True}]
        config.write_text(json.dumps(proxies), encoding="utf-8")
        words = [self.programs["Toxiproxy"], "-host", "127.0.0.1", "-port", control, "-config", config]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return Contender(TOXIPROXY, port, children.start(words, **quiet).until(lambda: accepts(port)))

    def tcp_edge(self, children, upstream):
        return self.edge(children, TCP_EDGE, "tcp", upstream)

    def http_edge(self, children, upstream):
        return self.edge(children, HTTP_EDGE, "http", upstream)

    def postgres_edge(self, children, upstream):
        return self.edge(children, POSTGRES_EDGE, "postgres", upstream, "postgres")

    def edge(self, children, who, protocol, upstream, *more):
        """proxies/examples/edge.rs, which says where it listens."""
        words = [self.programs["edge"], protocol, f"127.0.0.1:{upstream}", *more]
        edge = children.start(words, by=None, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        address = edge.process.stdout.readline().strip()
        if not address:
            raise SystemExit(f"error: {who} did not start")
        return Contender(who, int(address.rsplit(":", 1)[1]), edge)
