"""A shop for the tests of the binary: answers over HTTP, and misbehaves when its environment says so."""
import http.server
import json
import os
import socket
import struct
import sys

MOOD = os.environ.get("MOOD", "")


def list_groups():
    """Asks the broker for its groups, as an admin client would: first which calls it takes, then the call."""
    host, port = os.environ["KAFKA"].rsplit(":", 1)
    with socket.create_connection((host, int(port))) as broker:
        for number, (api, version) in enumerate([(18, 0), (16, 0)]):
            request = struct.pack(">hhih4s", api, version, number, 4, b"shop")
            broker.sendall(struct.pack(">i", len(request)) + request)
            (size,) = struct.unpack(">i", broker.recv(4, socket.MSG_WAITALL))
            broker.recv(size, socket.MSG_WAITALL)


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
        elif self.path == "/second-try":
            # The first sandbox that asks is told to come back; what it leaves lies beside this file.
            first = not os.path.exists("tried")
            open("tried", "w").close()
            self.answer(503 if first else 200, "{}")
        elif self.path == "/list-groups":
            try:
                list_groups()
            except (OSError, struct.error):
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
