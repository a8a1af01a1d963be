"""A shop about which every expectation can be wrong."""
import http.server
import json
import os
import socket
import time
import urllib.error
import urllib.request

from receipts import put_receipt


def charge(body):
    """Has the bank charge, once, whatever it answers."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(os.environ["BANK_URL"] + "/charges", json.dumps(body).encode(), headers)
    try:
        urllib.request.urlopen(request).close()
    except urllib.error.HTTPError as error:
        error.close()


def log(level, message, **fields):
    """A line of the Elastic Common Schema."""
    line = {"@timestamp": "2026-11-25T00:00:00Z", "log.level": level, "message": message, "ecs.version": "8.11", **fields}
    print(json.dumps(line), flush=True)


def tell(*datagrams):
    """Sends DogStatsD."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        for datagram in datagrams:
            agent.sendto(datagram.encode(), (os.environ["STATSD_HOST"], int(os.environ["STATSD_PORT"])))


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/slow":
            time.sleep(0.05)
        if self.path in ("/readyz", "/slow"):
            self.answer(200, {})
        elif self.path == "/orders/o-1":
            self.answer(200, {"id": "o-1", "state": "placed"})
        else:
            self.answer(404, {"error": "there is no such order"})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if self.path == "/orders":
            self.order(body)
        elif self.path == "/charges":
            for number in body["numbers"]:
                charge({"number": number})
            self.answer(202, {})
        elif self.path == "/elsewhere":
            try:
                socket.create_connection(("192.0.2.1", 443), 5).close()
            except OSError as error:
                self.answer(200, {"elsewhere": str(error)})
        elif self.path == "/sales":
            log("info", "sold", **{"order.id": "o-1"})
            log("error", "no tea is left", **{"order.id": "o-2"})
            tell("orders.placed:1|c|#currency:EUR", "orders.open:2|g", "orders.took:31|ms|#currency:EUR")
            tell("_e{8,3}:sold out|tea|t:warning", "_sc|till.open|2|m:it is stuck")
            self.answer(202, {})
        elif self.path == "/receipts":
            self.answer(put_receipt(), {})

    def order(self, body):
        """Takes an order: the second one is charged twice, and the third one not at all."""
        number = body.get("number", 1)
        for _ in range({2: 2, 3: 0}.get(number, 1)):
            charge({"order": f"o-{number}", "amount": body.get("amount")})
        self.answer(202, {"id": f"o-{number}", "order": body})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
