"""A shop for the tests of quiet: what it does about a request, its path says."""
import http.server
import os
import socket
import struct
import threading
import time
import urllib.error
import urllib.request

from postgres import Session

# How often each of its idle habits was at work.
IDLE = {"polls": 0, "flushes": 0, "fetches": 0}


def charge():
    request = urllib.request.Request(os.environ["BANK_URL"] + "/charges", data=b"{}", method="POST")
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


def charge_later():
    """A timer, with nothing open meanwhile."""
    time.sleep(2)
    charge()


def charge_until_it_works():
    """Tries with a pause in between, and no connection open."""
    while charge() >= 500:
        time.sleep(2)


def charge_after_a_transaction():
    session = Session(os.environ["DATABASE_URL"])
    session.query("BEGIN")
    session.query("INSERT INTO orders (id) VALUES ('o-1')")
    time.sleep(2)
    session.query("COMMIT")
    charge()


def leave_a_transaction_open():
    session = Session(os.environ["DATABASE_URL"])
    session.query("BEGIN; SELECT 1")
    threading.Event().wait()


def poll_an_outbox():
    session = Session(os.environ["DATABASE_URL"])
    while True:
        session.query("BEGIN; SELECT id FROM orders FOR UPDATE SKIP LOCKED; COMMIT")
        IDLE["polls"] += 1
        time.sleep(0.05)


def flush_a_gauge():
    agent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        agent.sendto(b"outbox.depth:0|g", (os.environ["STATSD_HOST"], int(os.environ["STATSD_PORT"])))
        IDLE["flushes"] += 1
        time.sleep(0.05)


def fetch_nothing():
    """Fetches from an empty partition, each time for as long as the broker waits."""
    host, port = os.environ["KAFKA"].rsplit(":", 1)
    broker = socket.create_connection((host, int(port)))
    number = 0

    def call(api, version, body):
        nonlocal number
        number += 1
        request = struct.pack(">hhih4s", api, version, number, 4, b"shop") + body
        broker.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", broker.recv(4, socket.MSG_WAITALL))
        return broker.recv(size, socket.MSG_WAITALL)

    topic = struct.pack(">h", 9) + b"orders.v1"
    call(18, 0, b"")
    call(3, 1, struct.pack(">i", 1) + topic)
    while True:
        # Waits for 5 s at most, for a byte at least, for 1 MiB at most, in partition 0 from offset 0.
        IDLE["fetches"] += 1
        wanted = struct.pack(">iiiibi", -1, 5000, 1, 1 << 20, 0, 1) + topic
        call(1, 4, wanted + struct.pack(">iiqi", 1, 0, 0, 1 << 20))


WHAT_FOLLOWS = {
    "/timer": charge_later,
    "/backoff": charge_until_it_works,
    "/transaction": charge_after_a_transaction,
    "/open-transaction": leave_a_transaction_open,
}


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        at_work = IDLE["polls"] > 5 and IDLE["flushes"] > 5 and IDLE["fetches"] > 0
        self.answer(503 if self.path == "/idle" and not at_work else 200)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path in WHAT_FOLLOWS:
            threading.Thread(target=WHAT_FOLLOWS[self.path], daemon=True).start()
        self.answer(202)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if "IDLE" in os.environ:
    for habit in poll_an_outbox, flush_a_gauge, fetch_nothing:
        threading.Thread(target=habit, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
