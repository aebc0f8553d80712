# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as an answer of an app, with a real server on a unix socket."""

from __future__ import annotations

import http.server
import socketserver
import threading

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._serving.health import Asker, Health, misses_prefix

HEALTH = Health(["/healthz"], "www.example.com", range(200, 400), 5)


def _asked(path, *paths, status=range(200, 400)) -> Asker:
    asker = Asker(str(path), Health([*paths] or ["/healthz"], "www.example.com", status, 5))
    asker.join(10)
    return asker


@pytest.mark.parametrize(
    ("statuses", "answer"),
    [
        pytest.param([200], "200 OK", id="healthy"),
        pytest.param([302], "302 Found", id="a redirect to nowhere, in the range"),
        pytest.param([503, 200], "200 OK", id="one bad answer is forgiven"),
    ],
)
def test_an_answer_that_counts(tmp_path, app, statuses, answer):
    requests = app(tmp_path / "app.sock", *statuses)
    asker = _asked(tmp_path / "app.sock")
    assert (asker.answer, asker.refusal, asker.asked) == (answer, None, len(statuses))
    assert {(request.path, request.headers["Host"]) for request in requests} == {("/healthz", "www.example.com")}


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ([500], ["GET /healthz for www.example.com: 500 Internal Server Error", "200 to 399 was expected"]),
        ([503, 404], ["404 Not Found", "200 to 399 was expected", "gunicorn_health.path"]),
        ([400], ["400 Bad Request", "ALLOWED_HOSTS", "gunicorn_health.host"]),
        ([401], ["401 Unauthorized", "password", "gunicorn_health.status: 401"]),
    ],
)
def test_a_refusal_says_what_was_asked_and_what_came_back(tmp_path, app, statuses, said):
    app(tmp_path / "app.sock", *statuses)
    asker = _asked(tmp_path / "app.sock")
    assert asker.answer is None
    assert all(part in asker.refusal for part in said)


def test_it_is_asked_again_until_somebody_answers(tmp_path, app):
    asker = Asker(str(tmp_path / "app.sock"), HEALTH)
    for _turn in range(1000):
        if asker.error:
            break
        asker.join(0.01)
    assert "No such file" in asker.error
    app(tmp_path / "app.sock", 200)
    asker.join(10)
    assert asker.answer == "200 OK"


@pytest.fixture
def site(tmp_path):
    """Start an app on a unix socket that answers by URL as a visitor writes it: a status, or where it redirects to."""
    servers = []

    def site(pages: dict[str, object]):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                url = f"{self.headers['X-Forwarded-Proto']}://{self.headers['Host']}{self.path}"
                answer = pages.get(f"{url} {self.headers['Cookie']}", pages.get(url, 404))
                self.send_response(301 if isinstance(answer, str) else answer)
                if isinstance(answer, str):
                    location, _space, cookie = answer.partition(" ")
                    self.send_header("Location", location)
                    if cookie:
                        self.send_header("Set-Cookie", f"{cookie}; HttpOnly; Path=/")
                self.end_headers()

            def log_message(self, *_arguments):
                """Say nothing."""

        server = socketserver.ThreadingUnixStreamServer(str(tmp_path / "app.sock"), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return tmp_path / "app.sock"

    yield site
    for server in servers:
        server.shutdown()
        server.server_close()


HOST = "www.example.com"
FOLLOWED = {
    "to https": (
        {f"http://{HOST}/": f"https://{HOST}/", f"https://{HOST}/": 200},
        f"301 Moved Permanently to https://{HOST}/, 200 OK",
    ),
    "within the site": (
        {f"http://{HOST}/": "login/?next=/", f"http://{HOST}/login/?next=/": 200},
        f"301 Moved Permanently to http://{HOST}/login/, 200 OK",
    ),
    "another port, which nginx leaves out": (
        {f"http://{HOST}/": f"https://{HOST}:8443/a#b", f"https://{HOST}/a": 200},
        f"301 Moved Permanently to https://{HOST}:8443/a#b, 200 OK",
    ),
    "www": (
        {f"http://{HOST}/": "https://Example.com/", "https://example.com/": 200},
        "301 Moved Permanently to https://Example.com/, 200 OK",
    ),
    "a cookie first": (
        {f"http://{HOST}/": "/ seen=1", f"http://{HOST}/ seen=1": 200},
        f"301 Moved Permanently to http://{HOST}/, 200 OK",
    ),
}


@pytest.mark.parametrize("case", FOLLOWED)
def test_a_redirect_is_followed_to_the_apps_own_page(site, case):
    pages, answer = FOLLOWED[case]
    asker = _asked(site(pages), "/")
    assert (asker.answer, asker.refusal) == (answer, None)


REFUSED = {
    "a page that raises, behind https": (
        {f"http://{HOST}/": f"https://{HOST}/", f"https://{HOST}/": 500},
        ["to https://www.example.com/, 500 Internal Server Error, and 200 to 399 was expected"],
    ),
    "another host": (
        {f"http://{HOST}/": "https://login.example.org/?client=secret"},
        ["to https://login.example.org/, which is another host", "gunicorn_health.host", "gunicorn_health.status: 301"],
    ),
    "another scheme": ({f"http://{HOST}/": "ftp://www.example.com/"}, ["which is another host"]),
    "no URL": ({f"http://{HOST}/": "http://[::1/"}, ["which is another host"]),
    "a loop": (
        {f"http://{HOST}/": f"https://{HOST}/", f"https://{HOST}/": f"https://{HOST}/"},
        ["without an end", "X-Forwarded-Proto"],
    ),
    "no end": (
        {f"http://{HOST}{'/a' * n or '/'}": f"http://{HOST}{'/a' * (n + 1)}" for n in range(99)},
        ["without an end"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_redirect_proves_nothing_by_itself(site, case):
    pages, said = REFUSED[case]
    asker = _asked(site(pages), "/")
    assert asker.answer is None
    assert "GET / for www.example.com: 301 Moved Permanently" in asker.refusal
    assert all(part in asker.refusal for part in said)
    assert "secret" not in asker.refusal


def test_who_expects_a_redirect_gets_that(site):
    pages = {f"http://{HOST}/": "https://login.example.org/"}
    assert _asked(site(pages), "/", status=range(301, 302)).answer == "301 Moved Permanently"


def test_each_of_several_pages_must_answer(site):
    path = site({f"http://{HOST}/": 200, f"http://{HOST}/login/?token=x": 200, f"http://{HOST}/shop/": 500})
    assert _asked(path, "/", "/login/?token=x").answer == "/: 200 OK; /login/: 200 OK"
    assert "GET /shop/ for www.example.com: 500" in _asked(path, "/", "/shop/").refusal


@pytest.mark.parametrize(
    ("unaware", "aware", "misses"),
    [(404, 200, True), (404, 302, True), (404, 404, False), (200, 200, False), (404, 500, False)],
)
def test_an_app_that_knows_nothing_of_its_prefix(tmp_path, app, unaware, aware, misses):
    requests = app(tmp_path / "app.sock", unaware, aware)
    assert misses_prefix(str(tmp_path / "app.sock"), "/shop", "www.example.com") is misses
    asked = [(request.path, request.headers["SCRIPT_NAME"], request.headers["Host"]) for request in requests]
    assert asked == [("/shop/", None, "www.example.com"), ("/shop/", "/shop", "www.example.com")]


def test_an_app_that_is_not_there_misses_nothing(tmp_path):
    assert not misses_prefix(str(tmp_path / "app.sock"), "/shop", "www.example.com")
