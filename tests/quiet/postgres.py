"""A session at Postgres by hand: password by SCRAM-SHA-256, then simple queries
(https://www.postgresql.org/docs/current/protocol-flow.html)."""
import base64
import hashlib
import hmac
import os
import socket
import struct


class Session:
    def __init__(self, url):
        """`url` as postgres://user:password@host:port/database?…"""
        authority, path = url.split("://")[1].split("/")
        (user, self.password), (host, port) = [part.rsplit(":", 1) for part in authority.split("@")]
        self.socket = socket.create_connection((host, int(port)))
        parameters = f"user\0{user}\0database\0{path.split('?')[0]}\0\0".encode()
        self.socket.sendall(struct.pack(">ii", len(parameters) + 8, 196608) + parameters)
        self.authenticate()

    def authenticate(self):
        nonce = base64.b64encode(os.urandom(18)).decode()
        while True:
            kind, content = self.receive()
            if kind == b"Z":
                return
            if kind != b"R":
                continue
            (code,), rest = struct.unpack(">i", content[:4]), content[4:]
            if code == 10:
                first = f"n=,r={nonce}"
                message = f"n,,{first}".encode()
                self.send(b"p", b"SCRAM-SHA-256\0" + struct.pack(">i", len(message)) + message)
            elif code == 11:
                self.send(b"p", self.proof(first, rest.decode()).encode())

    def proof(self, first, challenge):
        said = dict(part.split("=", 1) for part in challenge.split(","))
        salt = base64.b64decode(said["s"])
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), salt, int(said["i"]))
        key = hmac.new(salted, b"Client Key", "sha256").digest()
        final = f"c=biws,r={said['r']}"
        signed = f"{first},{challenge},{final}".encode()
        signature = hmac.new(hashlib.sha256(key).digest(), signed, "sha256").digest()
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
        return f"{final},p={proof}"

    def query(self, text):
        """Runs statements, and returns the rows of their last one as raw bytes."""
        self.send(b"Q", text.encode() + b"\0")
        rows = []
        while True:
            kind, content = self.receive()
            if kind == b"E":
                raise RuntimeError(content)
            if kind == b"D":
                rows.append(content)
            if kind == b"Z":
                return rows

    def send(self, kind, content):
        self.socket.sendall(kind + struct.pack(">i", len(content) + 4) + content)

    def receive(self):
        header = self.exactly(5)
        (length,) = struct.unpack(">i", header[1:])
        return header[:1], self.exactly(length - 4)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise RuntimeError("the server ended the session")
            data += part
        return data
