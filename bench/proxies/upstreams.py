"""The upstreams: nginx with a small and a large answer, and a Postgres cluster of the benchmark's own."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from .children import accepts, ends_with_us, free_port

# The large answer, in bytes.
LARGE = 1 << 30
NOBODY = 65534
# How many of pgbench's scales the cluster holds, and how many accounts these are.
SCALE = 5
ACCOUNTS = SCALE * 100_000

# One process, which is the one worker.
NGINX = """daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  sendfile on;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    default_type application/json;
    location = /small {{ return 200 '{{"id":1,"name":"a small answer","amount":"12.50","currency":"EUR"}}\\n'; }}
    location = /large {{ alias {large}; }}
  }}
}}
"""


def nginx(children, program, folder):
    """Serves, on the port that is returned, `/small` and `/large`."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, large=large()), encoding="utf-8")
    words = [program, "-p", folder, "-e", folder / "nginx.log", "-c", config]
    server = children.start(words, stdin=subprocess.DEVNULL)
    server.until(lambda: accepts(port))
    return port


def large():
    """A path to the large answer: memory that is gone when this process is."""
    file = os.memfd_create("large")
    block = os.urandom(1 << 20)
    for _ in range(LARGE // len(block)):
        os.write(file, block)
    return f"/proc/{os.getpid()}/fd/{file}"


def postgres_program(name):
    """One of Postgres' own programs, of the newest version that is installed."""
    installed = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    found = sorted(installed, key=lambda path: int(path.parts[-3]))
    return str(found[-1]) if found else shutil.which(name)


def postgres(children, folder):
    """A cluster with the tables of pgbench, on the port that is returned."""
    port = free_port()
    data = folder / "postgres"
    data.mkdir()
    # It refuses root.
    other = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    if other:
        os.chown(data, NOBODY, NOBODY)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": data}
    make = [postgres_program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(make, check=True, **quiet, **other)
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "log_checkpoints": "off"}
    words = [postgres_program("postgres"), "-D", data]
    for name, value in settings.items():
        words += ["-c", f"{name}={value}"]
    log = (folder / "postgres.log").open("w", encoding="utf-8")
    # SIGINT: sessions are ended, and what was shared is removed.
    server = children.start(words, by=signal.SIGINT, stderr=log, **quiet, **other)
    asked = [postgres_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    server.until(lambda: subprocess.run(asked).returncode == 0)
    fill = [postgres_program("pgbench"), "-i", "-q", "-s", str(SCALE), *reached(port)]
    subprocess.run(fill, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=ends_with_us(signal.SIGTERM))
    return port


def reached(port):
    """What tells a client of Postgres where the cluster is."""
    return ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "postgres"]
