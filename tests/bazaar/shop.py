"""A shop that dies hard: it ignores SIGTERM, has a child in a session of its own, and leaves a temporary file."""
import http.server
import os
import signal
import subprocess
import tempfile
import urllib.request

from receipts import put_receipt

signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sleep", "602"], start_new_session=True)
tempfile.mkstemp()


def charge():
    request = urllib.request.Request(os.environ["BANK_URL"] + "/charges", data=b"{}", method="POST")
    return urllib.request.urlopen(request).status


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer(202 if charge() == 201 and put_receipt() == 200 else 500)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
