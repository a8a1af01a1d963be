"""A shop with everything built in: its own port, its broker's and its database's addresses."""
import http.server
import json
import os
import socket
import struct
import subprocess

from postgres import Session


def broker():
    """The node id and the advertised address that the broker's metadata tell (Metadata v1, https://kafka.apache.org/protocol)."""
    with socket.create_connection(("kafka", 9092), 5) as connection:
        request = struct.pack(">hhih", 3, 1, 7, 4) + b"shop" + struct.pack(">i", 0)
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.makefile("rb")
        (length,) = struct.unpack(">i", answer.read(4))
        answer = answer.read(length)
        _, brokers, node, size = struct.unpack(">iiih", answer[:14])
        host = answer[14:14 + size].decode()
        (port,) = struct.unpack(">i", answer[14 + size:18 + size])
        return f"{brokers} {host}:{port}"


def mine():
    """What only this sandbox has: a row, counted, and a file."""
    url = f"postgres://{os.environ['DB_USER']}:{os.environ['DB_PASSWORD']}@localhost:5432/shop-db"
    session = Session(url)
    session.query("INSERT INTO visits DEFAULT VALUES")
    visits = len(session.query("SELECT 1 FROM visits"))
    session.socket.close()
    # The folder that the mesh lies in stays visible, wherever it is.
    others = sorted(name for name in os.listdir("/tmp") if not os.getcwd().startswith(f"/tmp/{name}"))
    with open("/tmp/visits", "a+") as file:
        file.write("x")
        file.seek(0)
        return {"visits": visits, "file": len(file.read()), "files": len(others)}


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/mine":
            self.answer({**mine(), "broker": broker(), "host": socket.gethostname(), "user": os.getuid()})
        elif self.path == "/beyond":
            tries = [lambda: socket.create_connection(("10.1.2.3", 5432), 5), lambda: socket.getaddrinfo("api.example.com", 443)]
            self.answer({"tried": [failed(dial) for dial in tries]})
        else:
            self.answer({})

    def answer(self, body):
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


def failed(dial):
    try:
        dial()
        return "reached"
    except OSError as error:
        return type(error).__name__


subprocess.Popen(["setsid", "sleep", "602.75"], start_new_session=True)
http.server.ThreadingHTTPServer(("", 8080), Shop).serve_forever()
