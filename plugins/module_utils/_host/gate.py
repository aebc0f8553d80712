# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that stands in for proxies whose passwords no build may know. Private to the collection.

It runs by itself, in a sandbox of its own, so it imports nothing of ours; and since its text is an argument of systemd's, no
dollar is in it. It is told a line of JSON, says in one where it listens, a port for each proxy, then a line whenever one of
them can't be had, and ends with its input. Who knows the word that it was told is passed on to the proxy with its password.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import io
import json
import socket
import socketserver
import ssl
import sys
import threading
import urllib.parse

# Seconds without a word of either side.
_SILENT_FOR = 300
_REACHED_BY = 60
_LONGEST_HEAD = 64 << 10
# What is between a client and its next proxy alone. Each request has a connection of its own: what follows on one is not looked at.
_BETWEEN = {b"proxy-authorization", b"proxy-connection", b"connection", b"keep-alive"}
_ALONE = b"Connection: close"


class Proxy:
    """A proxy by its `url`, whose user and password are not in what it is called."""

    def __init__(self, url: str, certificates: str):
        parts = urllib.parse.urlsplit(url)
        self.host, self.secure = parts.hostname or "", parts.scheme == "https"
        self.port = parts.port or (443 if self.secure else 80)
        self.called = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        credentials = f"{urllib.parse.unquote(parts.username or '')}:{urllib.parse.unquote(parts.password or '')}"
        self._authorization = b"Proxy-Authorization: Basic " + base64.b64encode(credentials.encode())
        self._certificates = certificates

    def reach(self) -> socket.socket:
        """Return a connection to it. Raises OSError."""
        connection = socket.create_connection((self.host, self.port), timeout=_REACHED_BY)
        connection.settimeout(_SILENT_FOR)
        if self.secure:
            context = ssl.create_default_context(cafile=self._certificates or None)
            return context.wrap_socket(connection, server_hostname=self.host)
        return connection

    def passed_on(self, head: bytes) -> bytes:
        """Return the head of a request as the proxy is to get it."""
        line, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        kept = [field for field in fields if field.partition(b":")[0].strip().lower() not in _BETWEEN]
        alone = [] if line.startswith(b"CONNECT ") else [_ALONE]
        return b"\r\n".join([line, *kept, *alone, self._authorization]) + b"\r\n\r\n"


class Handler(socketserver.StreamRequestHandler):
    """Passes one request on, and what follows both ways."""

    proxy: Proxy
    expected: bytes
    timeout = _SILENT_FOR

    def handle(self) -> None:
        """Answer, or say what is missing."""
        head = _head(self.rfile)
        word = [
            field.partition(b":")[2].strip()
            for field in head.split(b"\r\n")
            if field[:20].lower() == b"proxy-authorization:"
        ]
        if not head.endswith(b"\r\n\r\n"):
            self._say("400 Bad Request")
        elif len(word) != 1 or not hmac.compare_digest(word[0], self.expected):
            self._say("407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="a build"')
        elif head.startswith(b"TRACE "):
            # It would be answered with what the proxy was told.
            self._say("405 Method Not Allowed")
        else:
            try:
                with self.proxy.reach() as beyond:
                    beyond.sendall(self.proxy.passed_on(head))
                    self._both_ways(beyond)
            except OSError as error:
                tell({"at": self.proxy.called, "error": f"{error}"[:1000]})
                with contextlib.suppress(OSError):
                    self._say("502 Bad Gateway")

    def _both_ways(self, beyond: socket.socket) -> None:
        sender = threading.Thread(target=self._send, args=(beyond,), daemon=True)
        sender.start()
        answer = beyond.makefile("rb")
        line = answer.readline(_LONGEST_HEAD)
        if line.split(b" ")[1:2] == [b"407"]:
            tell(
                {
                    "at": self.proxy.called,
                    "error": "it doesn't take the user and password: " + line.decode(errors="replace").strip(),
                }
            )
        with contextlib.suppress(OSError):
            while line:
                self.wfile.write(line)
                line = answer.read1(1 << 16)
            self.request.shutdown(socket.SHUT_RDWR)
        sender.join()

    def _send(self, beyond: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := self.rfile.read1(1 << 16):
                beyond.sendall(piece)
            if not self.proxy.secure:
                beyond.shutdown(socket.SHUT_WR)

    def _say(self, status: str, *fields: str) -> None:
        head = [f"HTTP/1.1 {status}", "Content-Length: 0", "Connection: close", *fields]
        self.wfile.write("".join(f"{line}\r\n" for line in [*head, ""]).encode())


class _Server(socketserver.ThreadingTCPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_arguments: object) -> None:
        """Say nothing: what is said here is read as what went wrong."""


def _head(stream: io.BufferedIOBase) -> bytes:
    """Return the head of a request, or as much of it as there is."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < _LONGEST_HEAD:
        line = stream.readline(_LONGEST_HEAD)
        if not line:
            break
        head += line
    return head


def listen(proxy: Proxy, word: str) -> socketserver.ThreadingTCPServer:
    """Listen for those who want to be passed on to a proxy."""
    expected = b"Basic " + base64.b64encode(f"relay:{word}".encode())
    return _Server(("127.0.0.1", 0), type("OfProxy", (Handler,), {"proxy": proxy, "expected": expected}))


def tell(what: object) -> None:
    """Tell whoever started this."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Stand in for the proxies that a line of the input names, until that ends."""
    told = json.loads(sys.stdin.readline())
    servers = [listen(Proxy(url, told["certificates"]), told["word"]) for url in told["proxies"]]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    tell([server.server_address[1] for server in servers])
    sys.stdin.read()


if __name__ == "__main__":
    main()
