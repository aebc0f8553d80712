"""What the attacks need on the server: a collector of what they tell, a server of archives, one that is silent,
an index, and a proxy to another one.
"""

import base64
import functools
import http.server
import io
import json
import pathlib
import socketserver
import threading
import time

FOLDER = pathlib.Path("/opt/hostile")


class Collector(socketserver.StreamRequestHandler):
    """Keeps what the attackers' code tells (tries.py), a line a report."""

    def handle(self):
        with open(FOLDER / "marks.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(json.loads(self.rfile.read())) + "\n")


class Silent(socketserver.BaseRequestHandler):
    """Takes a connection, and says nothing."""

    def handle(self):
        time.sleep(3600)


class Index(http.server.SimpleHTTPRequestHandler):
    """A package index (PEP 503) that wants a password, and beside it something that is none of a build's business."""

    def send_head(self):
        """Answer who knows the password."""
        known = "Basic " + base64.b64encode(b"reader:planted-index").decode()
        if self.headers.get("Authorization") != known:
            self.send_error(401)
            return None
        return self.found()

    def found(self):
        """Answer with a page, or a file."""
        if self.path == "/private":
            return self._page("what else is there")
        if self.path.startswith("/simple/"):
            name = self.path.strip("/").rpartition("/")[2]
            files = [path.name for path in (FOLDER / "wheels").glob(f"{name}-*")]
            return self._page("".join(f'<a href="/wheels/{each}">{each}</a>\n' for each in files))
        return http.server.SimpleHTTPRequestHandler.send_head(self)

    def _page(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        return io.BytesIO(text.encode())


class Proxy(Index):
    """A proxy that wants a password; behind it is an index that wants none."""

    def send_head(self):
        """Answer who knows the password."""
        known = "Basic " + base64.b64encode(b"clerk:planted-proxy").decode()
        if self.headers.get("Proxy-Authorization") != known:
            self.send_response(407)
            self.send_header("Proxy-Authenticate", "Basic")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        self.path = self.path.removeprefix("http://index.example")
        return self.found()

    def do_TRACE(self):
        """Answer with what was asked, as RFC 9110 has it."""
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + str(self.headers).encode())


index = functools.partial(Index, directory=FOLDER)
proxy = functools.partial(Proxy, directory=FOLDER)
archives = functools.partial(http.server.SimpleHTTPRequestHandler, directory=FOLDER / "projects")
socketserver.ThreadingTCPServer.allow_reuse_address = True
for port, handler in ((8003, Collector), (8004, archives), (8005, Silent), (8006, index), (8007, proxy)):
    threading.Thread(target=socketserver.ThreadingTCPServer(("127.0.0.1", port), handler).serve_forever).start()
