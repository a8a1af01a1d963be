"""What is run: features and Hurl files, written anew for every benchmark."""

import re
import shutil

SCENARIOS = 10_000
STEPS = 5
# How many different texts the no-op steps have.
TEXTS = 3_000
PER_FILE = 50
REQUESTS = 200

# What a no-op step says; of Momus, only bench/noops.rs has it.
NOTHING = r"^step \d+ does nothing$"


def sentences(steps_md):
    """The vocabulary's sentences as regular expressions, for the definitions that the peers have beside the one that is said."""
    text = steps_md.read_text(encoding="utf-8")
    return [regex(sentence) for sentence in re.findall(r"^### `(.*)`$", text, re.MULTILINE)]


def regex(sentence):
    """A sentence as a regular expression without groups that capture; what stands for nothing too is taken for that."""
    pieces = re.split(r"(\{\w+\}|\(s\))", sentence)
    kinds = {"{text}": '"[^"]*"', "{number}": r"\d+", "{status}": r"\d+", "(s)": "s?"}
    optional = {"{as}", "{only}", "{within}", "{eventually}", "{if_reached}", "{tolerance}", "{ordered}"}

    def one(piece):
        if piece in optional:
            return "(?:[a-z, ]+)?"
        return kinds.get(piece) or (r"\S+" if piece.startswith("{") else re.escape(piece).replace(r"\ ", " "))

    return "^" + "".join(map(one, pieces)) + "$"


class Inputs:
    """The folders of the inputs."""

    def __init__(self, folder, steps_md, behave_steps, server):
        shutil.rmtree(folder, ignore_errors=True)
        self.no_ops, self.one_no_op, self.requests, self.one_request = (
            folder / name for name in ("no-ops", "one-no-op", "requests", "one-request")
        )
        self.sentences = folder / "sentences.txt"
        for each in (self.no_ops, self.one_no_op, self.requests, self.one_request):
            (each / "features").mkdir(parents=True)
            # Else that of a folder above would be found.
            (each / "momus.toml").write_text("", encoding="utf-8")
        # behave takes the definitions from the folder of the features.
        for each in (self.no_ops, self.one_no_op):
            shutil.copytree(behave_steps, each / "features" / "steps")
        self.definitions = sentences(steps_md)
        self.sentences.write_text("\n".join([*self.definitions, NOTHING]) + "\n", encoding="utf-8")
        write_no_ops(self.no_ops, SCENARIOS)
        write_no_ops(self.one_no_op, 1)
        write_requests(self.requests, REQUESTS, server)
        write_requests(self.one_request, 1, server)


def write_no_ops(folder, scenarios):
    for first in range(0, scenarios, PER_FILE):
        text = f"Feature: nothing, from {first} on\n"
        for scenario in range(first, min(first + PER_FILE, scenarios)):
            text += f"\n  Scenario: nothing happens, {scenario}\n"
            for step in range(STEPS):
                keyword = ["Given", "And", "When", "Then", "And"][step]
                text += f"    {keyword} step {(scenario * STEPS + step) % TEXTS} does nothing\n"
        (folder / "features" / f"from-{first:05}.feature").write_text(text, encoding="utf-8")


def write_requests(folder, requests, server):
    """A file for each request: a GET, its status and one field of its JSON."""
    (folder / "mesh.yaml").write_text(f"mesh: bench\nservices:\n  site: {{ url: 'http://{server}' }}\n", encoding="utf-8")
    (folder / "hurl").mkdir()
    for number in range(requests):
        feature = f'''Feature: item {number}

  Scenario: item {number} is there
    When I send GET "/items/{number}" to site
    Then the response has
      | status | 200      |
      | $.id   | {number} |
'''
        hurl = f'''GET http://{server}/items/{number}
HTTP 200
[Asserts]
jsonpath "$.id" == {number}
'''
        (folder / "features" / f"item-{number:03}.feature").write_text(feature, encoding="utf-8")
        (folder / "hurl" / f"item-{number:03}.hurl").write_text(hurl, encoding="utf-8")
