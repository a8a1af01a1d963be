"""A shop for the tests of the binary: answers over HTTP, and misbehaves when its environment says so."""
import http.server
import json
import os
import socket
import struct
import sys

MOOD = os.environ.get("MOOD", "")


def unknown_call():
    """Asks the broker to describe a share group, which hardly any broker but Kafka's own can."""
    host, port = os.environ["KAFKA"].rsplit(":", 1)
    with socket.create_connection((host, int(port))) as broker:
        header = struct.pack(">hhih4s", 16, 0, 1, 4, b"shop")
        broker.sendall(struct.pack(">i", len(header)) + header)
        broker.recv(1024)


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/readyz":
            self.answer(503 if MOOD == "never-ready" else 200, "{}")
        elif self.path == "/text":
            self.answer(200, "all is well", "text/plain")
        elif self.path == "/exit":
            print("the till is empty", file=sys.stderr, flush=True)
            os._exit(7)
        elif self.path == "/list-groups":
            try:
                unknown_call()
            except OSError:
                pass
            self.answer(200, "{}")
        else:
            self.answer(404, "{}")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer(202, json.dumps({"id": "o-1", "order": json.loads(body or b"{}")}))

    def answer(self, status, text, kind="application/json"):
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


if MOOD == "dies":
    print("no such table: prices", file=sys.stderr)
    sys.exit(3)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
