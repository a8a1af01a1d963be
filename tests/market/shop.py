"""A shop for the tests of the binary: answers over HTTP, and misbehaves when its environment says so."""
import http.server
import json
import os
import socket
import struct
import sys
import urllib.request

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


def charge(order):
    """Has the bank charge an order: the fourth not at all where the shop forgets, each second one twice where it doubles."""
    number = int(order["id"].split("-")[1])
    times = 0 if MOOD == "forgets" and number == 4 else 2 if MOOD == "doubles" and number % 2 == 0 else 1
    for _ in range(times):
        data = json.dumps({"order": order["id"]}).encode()
        headers = {"content-type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(os.environ["BANK"] + "/charges", data, headers)).close()


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
        order = json.loads(body or b"{}")
        if "BANK" in os.environ:
            charge(order)
        self.answer(202, json.dumps({"id": "o-1", "order": order}))

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
