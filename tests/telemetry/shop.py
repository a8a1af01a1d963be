"""A shop that tells of itself: metrics, events and checks to DogStatsD, log lines in ECS to standard output."""
import http.server
import json
import os
import socket
import sys
import threading
import time

AGENT = (os.environ["STATSD_HOST"], int(os.environ["STATSD_PORT"]))
SOCKET = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def send(*lines):
    SOCKET.sendto("\n".join(lines).encode(), AGENT)


def log(level, message, **fields):
    line = {"@timestamp": "2026-11-25T01:00:00Z", "log.level": level, "message": message, "ecs.version": "8.11"}
    print(json.dumps({**line, **fields}), flush=True)


def late(*acts):
    """Does these things later, half a second apart, and nobody on the wire sees that it will."""

    def run():
        for act in acts:
            time.sleep(0.5)
            act()

    threading.Thread(target=run, daemon=True).start()


def order():
    send("orders.open:1|g", "orders.placed:1|c|#currency:EUR,vip", "orders.sampled:1:1|c|@0.1")
    send("orders.took:12.5:7|ms|#currency:EUR", "buyers:ada|s", "buyers:ada|s", "orders.open:0|g")
    send("_e{8,6}:sold out|no tea|t:warning|#item:tea", "_sc|till.open|0|#till:1|m:all is well")
    log("info", "order placed", order={"id": "o-1", "currency": "EUR"}, **{"log.logger": "shop.till"})
    print("a line of plain text", file=sys.stderr, flush=True)


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200)

    def do_POST(self):
        if self.path == "/orders":
            order()
        elif self.path == "/late-orders":
            late(lambda: send("orders.placed:1|c"), lambda: send("orders.placed:1|c"))
        elif self.path == "/late-errors":
            late(lambda: log("info", "nothing yet"), lambda: log("error", "no bank"))
        self.answer(202)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


log("info", "listening")
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
