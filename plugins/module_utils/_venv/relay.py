# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that stands in for package indexes whose passwords no build may know. Private to the collection.

It runs by itself, in a sandbox of its own, so it imports nothing of ours; and since its text is an argument of systemd's, no
dollar is in it. It is told a line of JSON, says in one where it listens, a port for each place, then a line whenever it can't
reach a server, and ends with its input. Who knows the word that it was told gets from it, without the password: pages below
a place, and what such a page links to on the same server. All else of that server is none of a build's business.
"""

from __future__ import annotations

import base64
import gzip
import hmac
import html.parser
import http.client
import http.server
import json
import os
import re
import ssl
import sys
import threading
import urllib.parse
import urllib.request

# Seconds without a word of a server.
_SILENT_FOR = 60
# Bytes of a page: that of a package with tens of thousands of files is far from it.
_LONGEST_PAGE = 256 << 20
# Tried one after the other, from one that the place's address decides: uv knows what it has in its cache by the port, too.
_FIRST_PORT, _PORTS = 20000, 12000
# What of an answer is passed on; what of it is for the server's own login is not.
_OF_FILES = (
    *("Content-Type", "Content-Length", "Content-Range", "Content-Encoding", "Accept-Ranges"),
    *("ETag", "Last-Modified", "Cache-Control", "Retry-After"),
)
_OF_QUESTIONS = ("Accept", "Range", "If-Range", "If-None-Match", "If-Modified-Since", "User-Agent")
_PAGE = re.compile(r"text/html|application/(?:vnd\.pypi\.simple\.[\w.+-]+|json)")


class Place:
    """An index, or a page of links: its `url` without credentials, and the header by which its server knows who asks."""

    def __init__(self, url: str, authorization: str, insecure: bool, word: str):
        parts = urllib.parse.urlsplit(url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.authorization = authorization
        self.expected = "Basic " + base64.b64encode(f"relay:{word}".encode()).decode()
        self.address = ""
        self._below = parts.path.rstrip("/") + "/"
        self._linked: set[str] = set()
        context = ssl.create_default_context()
        if insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        # Of urllib's own handlers those that follow no redirection and take no answer for an error.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=context),
            urllib.request.UnknownHandler(),
        ):
            self._opener.add_handler(handler)
        port = {"http": 80, "https": 443}.get(parts.scheme, 0)
        name = re.escape(parts.hostname or "")
        named = rf"(?::{parts.port or port})" + ("?" if parts.port in (None, port) else "")
        # As a page may have it, with credentials or without.
        self._own = re.compile(
            rf"{parts.scheme}://(?:[^/\s\"'<>@]*@)?{name}{named}(?=[/?#\"'\s<]|\Z)".encode(), re.IGNORECASE
        )

    def allows(self, target: str) -> bool:
        """Say whether a build may have this path, with its query."""
        if target in self._linked:
            return True
        path = urllib.parse.unquote(urllib.parse.unquote(target))
        steps = path.replace("\\", "/").split("/")
        if "?" in target or "#" in path or {".", ".."} & set(steps) or "//" in path:
            return False
        return f"{path.rstrip('/')}/".startswith(urllib.parse.unquote(self._below))

    def is_page(self, target: str, content_type: str) -> bool:
        """Say whether what lies there is a page of links: a file is one by its link alone."""
        return target not in self._linked and bool(_PAGE.match(content_type))

    def ask(self, method: str, target: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Ask the server itself. Raises OSError or HTTPException."""
        headers = {**headers, "Authorization": self.authorization}
        request = urllib.request.Request(self.origin + target, headers=headers, method=method)
        answer = self._opener.open(request, timeout=_SILENT_FOR)
        if answer is None:
            raise OSError(f"no way is known to {self.origin}")
        return answer

    def here(self, page: bytes) -> bytes:
        """Return a page in which all that lies on its server is to be had here."""
        return self._own.sub(self.address.encode(), page)

    def learn(self, base: str, found: list[str]) -> None:
        """Take note of what a page links to, relative to `base`, which may be a path."""
        for link in found:
            parts = urllib.parse.urlsplit(urllib.parse.urljoin(urllib.parse.urljoin(self.address, base), link.strip()))
            if f"{parts.scheme}://{parts.netloc}" == self.address:
                query = f"?{parts.query}" if parts.query else ""
                # What is said of a wheel lies beside it (PEP 658).
                self._linked |= {f"{parts.path}{query}", f"{parts.path}.metadata{query}"}


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.base = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect where links lead."""
        to = dict(attrs).get("href")
        if to and tag == "base" and not self.base:
            self.base = to
        elif to and tag == "a":
            self.found.append(to)


def links(page: bytes, content_type: str) -> tuple[str, list[str]]:
    """Return what the links of a page are relative to, if it says so, and where they lead."""
    if "json" in content_type:
        try:
            return "", [str(file["url"]) for file in json.loads(page)["files"]]
        except (ValueError, KeyError, TypeError):
            return "", []
    parser = _Links()
    parser.feed(page.decode(errors="replace"))
    return parser.base, parser.found


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers what a build asks, for the place that the server stands in for."""

    protocol_version = "HTTP/1.1"
    timeout = 5 * _SILENT_FOR
    place: Place
    _begun = False

    def do_GET(self) -> None:
        """Answer, or say what is missing."""
        self._begun = False
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.place.expected.encode()):
            self._say(401, {"WWW-Authenticate": "Basic"})
        elif not self.place.allows(self.path):
            self._say(404)
        else:
            self._pass_on()

    do_HEAD = do_GET

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: what is said here is read as what went wrong."""

    def _pass_on(self) -> None:
        headers = {name: self.headers[name] for name in _OF_QUESTIONS if name in self.headers}
        try:
            with self.place.ask(self.command, self.path, headers) as answer:
                content_type = answer.headers.get("Content-Type", "")
                if answer.status >= 300 and "Location" in answer.headers:
                    self._redirect(answer)
                elif answer.status == 200 and self.place.is_page(self.path, content_type):
                    self._page(answer, content_type)
                else:
                    self._file(answer)
        except (OSError, http.client.HTTPException, EOFError) as error:
            self.close_connection = True
            tell({"at": self.place.origin, "error": f"{getattr(error, 'reason', None) or error}"[:1000]})
            # In the middle of a file it would be taken for a part of that.
            if not self._begun:
                self._say(502)

    def _redirect(self, answer: http.client.HTTPResponse) -> None:
        to = urllib.parse.urljoin(self.place.origin + self.path, answer.headers["Location"])
        to = self.place.here(to.encode()).decode()
        self.place.learn(self.path, [to])
        self._say(answer.status, {"Location": to})

    def _page(self, answer: http.client.HTTPResponse, content_type: str) -> None:
        page = answer.read(_LONGEST_PAGE)
        if answer.headers.get("Content-Encoding") == "gzip":
            page = gzip.decompress(page)
        page = self.place.here(page)
        base, found = links(page, content_type)
        self.place.learn(urllib.parse.urljoin(self.path, base), found)
        # From a cache no page would come by here, and what it links to would stay unknown.
        self._say(200, {"Content-Type": content_type, "Cache-Control": "no-store"}, page)

    def _file(self, answer: http.client.HTTPResponse) -> None:
        known = {name: answer.headers[name] for name in _OF_FILES if name in answer.headers}
        # So that nobody takes for the whole what the server ended before its time.
        self.close_connection = True
        self._head(answer.status, known)
        while self.command != "HEAD":
            piece = answer.read(1 << 16)
            if not piece:
                break
            self.wfile.write(piece)

    def _say(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self._head(status, {**(headers or {}), "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self._begun = True
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_arguments: object) -> None:
        """Say nothing, as of each request."""


def listen(place: Place) -> http.server.ThreadingHTTPServer:
    """Listen for those who want what a place has."""
    handler = type("OfPlace", (Handler,), {"place": place})
    first = int.from_bytes(place.origin.encode(), "big") % _PORTS
    for turn in range(_PORTS):
        port = _FIRST_PORT + (first + turn) % _PORTS
        try:
            server = _Server(("127.0.0.1", port), handler)
        except OSError:
            continue
        place.address = f"http://127.0.0.1:{port}"
        return server
    raise OSError("every port is taken")


def tell(what: object) -> None:
    """Tell whoever started this."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Stand in for the places that a line of the input names, until that ends."""
    told = json.loads(sys.stdin.readline())
    os.environ.update(told["env"])
    places = [Place(each["url"], each["authorization"], each["insecure"], told["word"]) for each in told["places"]]
    for place in places:
        threading.Thread(target=listen(place).serve_forever, daemon=True).start()
    tell([place.address for place in places])
    sys.stdin.read()


if __name__ == "__main__":
    main()
