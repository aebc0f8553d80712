# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP over a unix socket, with a real server behind it."""

from __future__ import annotations

import http.client
import socket
import threading

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._serving import probe


@pytest.mark.parametrize(
    ("status", "reason"), [(200, "OK"), (302, "Found"), (400, "Bad Request"), (503, "Service Unavailable")]
)
def test_the_answer_is_the_apps(tmp_path, app, status, reason):
    app(tmp_path / "app.sock", status)
    assert probe.get(str(tmp_path / "app.sock"), "/", "localhost", 5)[:2] == (status, reason)


def test_the_app_is_asked_as_nginx_asks(tmp_path, app):
    requests = app(tmp_path / "app.sock", 200)

    probe.get(str(tmp_path / "app.sock"), "/healthz?deep=1", "www.example.com", 5)

    (request,) = requests
    assert request.requestline == "GET /healthz?deep=1 HTTP/1.1"
    assert request.headers.get_all("Host") == ["www.example.com"]
    assert request.headers["X-Forwarded-Proto"] == "http"
    assert request.headers["X-Forwarded-For"] == request.headers["X-Real-IP"] == "127.0.0.1"
    assert request.headers["Cookie"] is None


def test_the_app_is_asked_as_a_browser_follows(tmp_path, app):
    requests = app(tmp_path / "app.sock", 200)
    probe.get(str(tmp_path / "app.sock"), "/caf\xc3\xa9?a b", "www.example.com", 5, "https", {"a": "1", "b": ""})
    (request,) = requests
    assert request.path == "/caf%C3%A9?a%20b"
    assert (request.headers["X-Forwarded-Proto"], request.headers["Cookie"]) == ("https", "a=1; b=")


@pytest.mark.parametrize("path", ["nosuch.sock", "file", "dead.sock"])
def test_nobody_listens(tmp_path, write, path):
    write(tmp_path, {"file": ""})
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead.sock"))
    with pytest.raises(OSError, match=r"refused|No such file"):
        probe.get(str(tmp_path / path), "/", "localhost", 5)


@pytest.fixture
def listener(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "app.sock"))
        listener.listen(8)
        yield listener


@pytest.mark.parametrize("answer", [b"", b"220 mail.example.com ESMTP\r\n", b"HTTP/1.1 200"])
def test_what_answers_is_no_web_app(listener, answer):
    def serve():
        connection, _address = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    if answer == b"HTTP/1.1 200":
        assert probe.get(listener.getsockname(), "/", "localhost", 5)[:2] == (200, "")
    else:
        with pytest.raises(http.client.HTTPException):
            probe.get(listener.getsockname(), "/", "localhost", 5)
    server.join(10)


def test_an_app_that_hangs(listener):
    with pytest.raises(TimeoutError):
        probe.get(listener.getsockname(), "/", "localhost", 0.05)
