"""The peers: how each is installed into the folder of the benchmark, and what its version is.

Each comes through its own ordinary client, at the version that stands here or in its lock file, and stays where it is put.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from proxies.upstreams import postgres_program

HERE = Path(__file__).parent
ROOT = HERE.parent
BEHAVE = "1.3.3"
HURL = "8.0.1"
# The newest that Go's module proxy has.
TOXIPROXY = "2.5.0"
# What Hurl is built against.
LIBRARIES = ["libcurl4-openssl-dev", "libxml2-dev", "libclang-dev", "pkg-config"]


def said(*command, **options):
    """What a command prints."""
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout.strip()


def do(*command, **options):
    """Does a step of an installation, and shows what it says."""
    print("+", *command, file=sys.stderr)
    subprocess.run(command, check=True, stdout=sys.stderr, **options)


def target():
    """Where the release builds of this repository are."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"


def commit():
    return said("git", "describe", "--always", "--dirty", cwd=ROOT)


def installed(program, package):
    """Debian's program, installed where it lacks and that can be done."""
    # Servers lie where only root looks for programs.
    path = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
    if not shutil.which(program, path=path) and shutil.which("apt-get") and os.geteuid() == 0:
        do("apt-get", "install", "-y", "-q", package)
    found = shutil.which(program, path=path)
    if not found:
        raise SystemExit(f"error: `{program}` is missing; hint: install it (Debian: apt-get install {package})")
    return found


class Peers:
    """The programs of a benchmark, by name, each with its version."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = {}
        self.versions = {}

    def add(self, name, program, version):
        self.programs[name] = str(program)
        self.versions[name] = version

    def runners(self):
        """Builds and installs the runners. One that cannot be had ends the benchmark: a table without it would mislead."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for each in (self.momus, self.cucumber_rs, self.cucumber_js, self.behave, self.hurl, self.go):
            each()

    def proxies(self):
        """Builds and installs the proxies, and what stands at both ends of them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for each in (self.edge, self.haproxy, self.toxiproxy, self.servers):
            each()

    def momus(self):
        build = ["cargo", "build", "--release", "--locked", "-p", "momus"]
        do(*build, cwd=ROOT)
        # The same program with a step that does nothing.
        do(*build, "--bin", "momus-noops", "--features", "noops", cwd=ROOT)
        program = target() / "momus"
        self.noops = target() / "momus-noops"
        self.add("Momus", program, f"{said(program, '--version').split()[-1]} ({commit()})")

    def cucumber_rs(self):
        crate = HERE / "peers" / "cucumber-rs"
        target = self.folder / "cucumber-rs"
        do("cargo", "build", "--release", "--locked", "--target-dir", target, cwd=crate)
        lock = (crate / "Cargo.lock").read_text(encoding="utf-8")
        version = lock.split('name = "cucumber"\nversion = "')[1].split('"')[0]
        self.add("cucumber-rs", target / "release" / "bench-cucumber", version)

    def cucumber_js(self):
        folder = self.folder / "cucumber-js"
        shutil.copytree(HERE / "peers" / "cucumber-js", folder, dirs_exist_ok=True)
        program = folder / "node_modules" / ".bin" / "cucumber-js"
        if not program.exists():
            do("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", cwd=folder)
        version = f"{said(program, '--version')}, Node {said('node', '--version')}"
        self.add("cucumber-js", program, version)

    def behave(self):
        folder = self.folder / "behave"
        program = folder / "bin" / "behave"
        if not program.exists():
            do(sys.executable, "-m", "venv", folder)
            do(folder / "bin" / "pip", "install", "--quiet", f"behave=={BEHAVE}")
        version = said(program, "--version").split()[-1]
        self.add("behave", program, f"{version}, Python {sys.version.split()[0]}")

    def hurl(self):
        folder = self.folder / "hurl"
        program = folder / "bin" / "hurl"
        if not program.exists():
            if shutil.which("apt-get") and os.geteuid() == 0:
                do("apt-get", "install", "-y", "-q", *LIBRARIES)
            install = ["cargo", "install", "--locked", "hurl", "--version", HURL]
            do(*install, "--root", folder, "--target-dir", self.folder / "hurl-build")
        self.add("Hurl", program, said(program, "--version").split()[1])

    def go(self):
        """godog, and the server that the HTTP contestants talk to."""
        module = HERE / "peers" / "go"
        for name in ("godog", "server"):
            do("go", "build", "-o", self.folder / name, f"./{name}", cwd=module)
        godog = said("go", "list", "-m", "-f", "{{.Version}}", "github.com/cucumber/godog", cwd=module)
        go = said("go", "env", "GOVERSION")
        self.add("godog", self.folder / "godog", f"{godog.removeprefix('v')}, {go}")
        self.server = self.folder / "server"

    def edge(self):
        do("cargo", "build", "--release", "--locked", "-p", "momus-proxies", "--example", "edge", cwd=ROOT)
        self.programs["edge"] = str(target() / "examples" / "edge")
        self.versions["Momus"] = commit()

    def haproxy(self):
        program = installed("haproxy", "haproxy")
        self.add("HAProxy", program, said(program, "-v").split()[2].split("-")[0])

    def toxiproxy(self):
        folder = self.folder / "toxiproxy"
        program = folder / "server"
        if not program.exists():
            module = f"github.com/Shopify/toxiproxy/v2/cmd/server@v{TOXIPROXY}"
            do("go", "install", module, env={**os.environ, "GOBIN": str(folder)})
        self.add("Toxiproxy", program, f"{TOXIPROXY}, {said('go', 'env', 'GOVERSION')}")

    def servers(self):
        nginx = installed("nginx", "nginx-light")
        shown = subprocess.run([nginx, "-v"], check=True, text=True, stderr=subprocess.PIPE).stderr
        self.add("nginx", nginx, shown.strip().rsplit("/", 1)[1])
        wrk = installed("wrk", "wrk")
        # It shows its version beside its usage, and ends as one who was called wrongly.
        shown = subprocess.run([wrk, "-v"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
        self.add("wrk", wrk, shown.split()[1])
        pgbench = postgres_program("pgbench") or installed("pgbench", "postgresql")
        self.add("Postgres", pgbench, said(pgbench, "--version").split()[2])
