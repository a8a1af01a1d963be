"""A shop that tells its secrets wherever it can, in every form, for the tests of what is masked."""
import base64
import http.server
import json
import os
import sys
import urllib.parse
import urllib.request

SECRETS = [os.environ[name] for name in ("TOKEN", "KEY")]


def forms(secret):
    """The secret as it is, in JSON, in a URL, and in Base64 alone and behind one, two and three bytes."""
    yield secret
    yield json.dumps(secret)
    yield json.dumps({"inner": json.dumps(secret)})
    yield urllib.parse.quote(secret, safe="")
    yield urllib.parse.quote_plus(secret)
    yield base64.b64encode(secret.encode()).decode()
    for before in ("a", "ab", "abc"):
        yield base64.b64encode((before + secret + "behind").encode()).decode()


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/leak"):
            for secret in SECRETS:
                for form in forms(secret):
                    print("told", form, flush=True)
                    print("told", form, file=sys.stderr, flush=True)
            print("authorization was", self.headers.get("authorization"), flush=True)
            self.charge()
            body = {"forms": [form for secret in SECRETS for form in forms(secret)], "card": {"number": "4111-2222-3333"}}
            self.answer(200, json.dumps(body))
        else:
            self.answer(200, "{}")

    def charge(self):
        """Tells the bank as well, in a path, in headers, and in a body."""
        token = SECRETS[0]
        body = json.dumps({"card": {"number": "4111-2222-3333"}, token: [token]}).encode()
        headers = {
            "authorization": "Basic " + base64.b64encode(("shop:" + token).encode()).decode(),
            "x-api-key": "api-key-of-the-bank",
            "content-type": "application/json",
        }
        url = os.environ["BANK"] + "/charges?token=" + urllib.parse.quote_plus(token)
        request = urllib.request.Request(url, body, headers)
        try:
            urllib.request.urlopen(request).read()
        except urllib.error.URLError as error:
            print("the bank:", error, flush=True)

    def answer(self, status, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("set-cookie", "session=cookie-of-the-session; Path=/")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
