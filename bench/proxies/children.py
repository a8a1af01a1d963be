"""Processes that serve while something is measured, and that end however the measuring ends."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
# How long a server may take until it serves, and until it is gone, in seconds.
LIMIT = 30


def ends_with_us(by):
    """What a child does first: the kernel sends it this signal when the benchmark is gone, even by SIGKILL."""
    us = os.getpid()

    def prepare():
        LIBC.prctl(PR_SET_PDEATHSIG, by)
        # Gone already, before the kernel was asked.
        if os.getppid() != us:
            os._exit(1)

    return prepare


class Children:
    """The servers of a benchmark; all of them are stopped at its end, the youngest first."""

    def __init__(self):
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in reversed(self.running):
            child.stop()

    def start(self, words, by=signal.SIGTERM, **options):
        """Starts a server, which ends by this signal, or without one by the end of its input."""
        child = Child(words, by, options)
        self.running.append(child)
        return child


@contextlib.contextmanager
def while_needed(start):
    """What `start` starts among the children that it is given, which are stopped when the block ends."""
    with Children() as children:
        yield start(children)


class Child:
    """A server's process."""

    def __init__(self, words, by, options):
        self.words = [str(word) for word in words]
        self.by = by
        self.process = subprocess.Popen(self.words, preexec_fn=ends_with_us(by) if by else None, **options)
        self.pid = self.process.pid

    def stop(self):
        if self.by:
            self.process.send_signal(self.by)
        else:
            self.process.stdin.close()
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def until(self, serves):
        """Waits until the server serves; its own end and the limit end the benchmark."""
        end = time.monotonic() + LIMIT
        while not serves():
            if self.process.poll() is not None:
                raise SystemExit(f"error: ended with {self.process.returncode}: {' '.join(self.words)}")
            if time.monotonic() > end:
                raise SystemExit(f"error: does not serve after {LIMIT} s: {' '.join(self.words)}")
            time.sleep(0.01)
        return self


def free_port():
    """A loopback port of the system's choice, that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def accepts(port):
    """Whether somebody listens there."""
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
