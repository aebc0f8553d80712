# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build gets from a proxy whose password it does not know, and what it does not get."""

from __future__ import annotations

import base64
import http.client
import inspect
import io
import json
import socket
import socketserver
import ssl
import subprocess
import sys
import threading

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import gate

PASSWORD = b"Basic " + base64.b64encode(b"clerk:hunter2")
WORD = "Basic " + base64.b64encode(b"relay:word").decode()


@pytest.fixture
def heads():
    """Return the heads of what the proxy was asked."""
    return []


class Upstream(socketserver.StreamRequestHandler):
    """A proxy that answers itself: to CONNECT with what it hears then, in capitals."""

    def handle(self):
        head = b"".join(iter(self.rfile.readline, b"\r\n"))
        self.server.heads.append(head)
        if PASSWORD not in head:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        elif head.startswith(b"CONNECT"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while line := self.rfile.readline():
                self.wfile.write(line.upper())
        else:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


@pytest.fixture
def proxy(heads):
    """Return the address of a proxy that wants a password."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads, server.heads = True, heads
    yield from _serving(server, f"127.0.0.1:{server.server_address[1]}")


@pytest.fixture
def through(proxy):
    """Return the port of what stands in for it."""
    server = gate.listen(gate.Proxy(f"http://clerk:hunter2@{proxy}", ""), "word")
    yield from _serving(server, server.server_address[1])


def _serving(server, it):
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield it
    server.shutdown()
    server.server_close()


def _ask(port, method="GET", target="http://index.example/simple/", **headers) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, target, headers={"Proxy-Authorization": WORD, **headers})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_who_knows_the_word_is_passed_on(through, heads):
    assert _ask(through, Connection="keep-alive", Accept="text/html") == (200, b"hello")
    head = heads[0].decode().lower()
    assert head.startswith("get http://index.example/simple/ http/1.1\r\n")
    assert "accept: text/html" in head
    assert head.count("connection:") == 1
    assert "connection: close" in head
    assert WORD.lower() not in head


def test_who_does_not_know_it_is_not(through, heads):
    assert _ask(through, **{"Proxy-Authorization": "Basic " + base64.b64encode(b"relay:guess").decode()})[0] == 407
    with socket.create_connection(("127.0.0.1", through), timeout=30) as connection:
        connection.sendall(b"GET http://index.example/ HTTP/1.1\r\n\r\n")
        assert b" 407 " in connection.recv(99)
    assert heads == []


def test_nobody_is_told_what_the_proxy_was_told(through, heads):
    assert _ask(through, "TRACE")[0] == 405
    assert heads == []


@pytest.mark.parametrize("head", [b"GET http://index.example/ HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 70000])
def test_what_is_no_whole_request_goes_nowhere(through, heads, head):
    with socket.create_connection(("127.0.0.1", through), timeout=30) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        assert b" 400 " in connection.recv(99)
    assert heads == []


def test_a_tunnel_is_as_long_as_both_want_it(through):
    with socket.create_connection(("127.0.0.1", through), timeout=30) as connection:
        connection.sendall(f"CONNECT index.example:443 HTTP/1.1\r\nProxy-Authorization: {WORD}\r\n\r\n".encode())
        answers = connection.makefile("rb")
        assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
        assert answers.readline() == b"\r\n"
        for line in (b"hello\n", b"there\n"):
            connection.sendall(line)
            assert answers.readline() == line.upper()
        connection.shutdown(socket.SHUT_WR)
        assert answers.read() == b""


def test_a_wrong_password_is_told_and_not_shown(proxy, capfd):
    server = gate.listen(gate.Proxy(f"http://clerk:hunter3@{proxy}", ""), "word")
    serving = _serving(server, server.server_address[1])
    assert _ask(next(serving))[0] == 407
    next(serving, None)
    told = json.loads(capfd.readouterr().out)
    assert told["at"] == f"http://{proxy}"
    assert "doesn't take the user and password" in told["error"]


def test_a_proxy_that_is_down_is_told(capfd):
    server = gate.listen(gate.Proxy("http://clerk:hunter2@127.0.0.1:9", ""), "word")
    serving = _serving(server, server.server_address[1])
    assert _ask(next(serving))[0] == 502
    next(serving, None)
    told = json.loads(capfd.readouterr().out)
    assert told["at"] == "http://127.0.0.1:9"
    assert "refused" in told["error"]


def test_one_that_speaks_tls(tmp_path, heads):
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=localhost"]
    pair = ["-keyout", tmp_path / "key", "-out", tmp_path / "crt", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", "req", "-x509", *made, *pair], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    upstream = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Upstream)
    upstream.daemon_threads, upstream.heads = True, heads
    upstream.socket = context.wrap_socket(upstream.socket, server_side=True)
    beyond = _serving(upstream, f"https://clerk:hunter2@localhost:{upstream.server_address[1]}")
    server = gate.listen(gate.Proxy(next(beyond), str(tmp_path / "crt")), "word")
    serving = _serving(server, server.server_address[1])
    assert _ask(next(serving)) == (200, b"hello")
    next(serving, None)
    next(beyond, None)


def test_it_runs_by_itself_and_ends_with_its_input(proxy):
    told = {"word": "word", "proxies": [f"http://clerk:hunter2@{proxy}"], "certificates": ""}
    source = inspect.getsource(gate)
    assert "$" not in source
    argv = [sys.executable, "-I", "-S", "-c", source]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        [port] = json.loads(process.stdout.readline())
        assert _ask(port) == (200, b"hello")
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_head_that_ends_before_its_time():
    assert gate._head(io.BytesIO(b"GET")) == b"GET"
