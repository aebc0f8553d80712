# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets where on a real nginx: passwords, several prefixes, the page for load balancers."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import stat
import subprocess

import pytest

NAMES = ["www.example.com"]


@pytest.fixture(scope="module")
def hashed():
    """Return the hash of the password `secret`."""
    return subprocess.run(
        ["openssl", "passwd", "-6", "secret"], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def play(host, site):
    """Return a function that plays the module, and then asks as one of its hosts."""

    def play(**given):
        with host.reloaded():
            result = site(**{"server_names": NAMES, **given})
            assert result.get("changed"), result

        def ask(path: str, user: str = "", **headers) -> http.client.HTTPResponse:
            if user:
                headers["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
            return host.ask(path, **{"Host": NAMES[0], **headers})

        return ask

    return play


def test_a_whole_site_asks_for_a_password(play, hashed):
    ask = play(auth={"users": {"ops": hashed}, "realm": "Staff"})
    assert (ask("/").status, ask("/").getheader("WWW-Authenticate")) == (401, 'Basic realm="Staff"')
    assert ask("/", user="ops:wrong").status == 401
    assert ask("/", user="ops:secret").status == 203
    # What a CA asks for stays open.
    assert ask("/.well-known/acme-challenge/token").status == 404


@pytest.mark.parametrize("path", ["/admin/", "/admin/x", "//admin/", "/x/../admin/", "/%61dmin/", "/admin//"])
def test_a_prefix_asks_for_a_password_however_it_is_written(play, hashed, path):
    ask = play(
        auth={"users": {"ops": hashed}, "paths": ["/admin/"]}, limits=[{"path": "/admin/deep/", "connections": 9}]
    )
    assert ask(path).status == 401
    assert ask(path, user="ops:secret").status == 203
    assert ask("/").status == 203
    # A limit below it doesn't open it.
    assert ask("/admin/deep/x").status == 401


def test_the_users_are_nobody_s_to_read(host, site, play, hashed):
    given = {"auth": {"users": {"ops": hashed}}, "server_names": NAMES}
    foretold = str(site(**given, check=True))
    play(**given)
    path = host.etc / "gunicorn-shop.users"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    again = site(**given)
    assert not again["changed"]
    other = site(auth={"users": {"ops": hashed[:-3] + "abc", "eve": hashed}}, server_names=NAMES)
    assert "eve:(hidden, another)" in str(other["diff"])
    assert not [said for said in (foretold, str(again), str(other)) if hashed in said]
    site(server_names=NAMES)
    assert not path.exists()


def test_a_password_for_nginx_is_none_for_the_app(play, hashed, host, app):
    path = host.etc.parent / "srv/shop/current/app.sock"
    path.unlink()
    requests = app(path, 203)
    path.chmod(0o777)
    play(auth={"users": {"ops": hashed}})("/", user="ops:secret")
    play(auth={"users": {"ops": hashed}, "paths": ["/admin/"]})("/", Authorization="Bearer token")
    assert [request.headers["Authorization"] for request in requests] == [None, "Bearer token"]


def test_a_connection_to_the_app_is_for_one_request(play, host, app):
    path = host.etc.parent / "srv/shop/current/app.sock"
    path.unlink()
    requests = app(path, 203)
    path.chmod(0o777)
    ask = play()
    ask("/")
    ask("/", Connection="Upgrade", Upgrade="websocket")
    ask("/", Connection="Upgrade", Upgrade="h2c")
    assert [(each.headers["Connection"], each.headers["Upgrade"]) for each in requests] == [
        ("close", None),
        ("upgrade", "websocket"),
        ("close", None),
    ]


def test_a_closed_site_says_so_to_everybody(host, site, play, hashed):
    ask = play(auth={"users": {"ops": hashed}}, health={"path": "/healthz"})
    site(auth={"users": {"ops": hashed}}, health={"path": "/healthz"}, server_names=NAMES, maintenance={"active": True})
    assert ask("/", user="ops:secret").status == 503
    assert "Back soon" in ask("/").said
    assert ask("/healthz").status == 203


def test_a_page_app_has_the_rest_of_the_site(play, write, host, hashed):
    root = write(
        host.etc.parent / "www",
        {"index.html": "the app", "app.js": "let x", "docs/index.html": "docs", "img/a.png": "a"},
    )
    ask = play(
        locations=["/api/", "/admin/", "/openapi.json"],
        root=str(root),
        fallback="index.html",
        auth={"users": {"ops": hashed}, "paths": ["/admin/", "/docs/"]},
        headers={"X-Mine": "1"},
    )
    assert [ask(path).said for path in ("/", "/app.js", "/orders/1")] == ["the app", "let x", "the app"]
    # A folder without a page is none to be forbidden.
    assert ask("/img/").said == "the app"
    assert (ask("/orders/1").status, ask("/orders/1").getheader("X-Mine")) == (200, "1")
    assert "must-revalidate" in ask("/orders/1").getheader("Cache-Control")
    assert [ask(path).status for path in ("/api/x", "/admin/", "/docs/")] == [203, 401, 401]
    assert ask("/docs/", user="ops:secret").said == "docs"
    # The app knows whether its own URL has the slash; a redirect here could meet the app's own, without an end.
    assert [ask(path).status for path in ("/api", "/admin", "/openapi.json")] == [203, 401, 203]
    assert [ask(path).said for path in ("/apis", "/openapi.jsonp", "/openapi.json/x")] == ["the app"] * 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's nginx has another account")
def test_what_nginx_may_not_read_is_refused_before_anything_changes(host, site, write):
    root = write(host.etc.parent / "srv/shop/sources/s1/dist", {"index.html": "the app"})
    given = {"server_names": NAMES, "locations": ["/api/"], "root": str(root), "fallback": "index.html"}
    (root / "index.html").chmod(0o640)
    refused = site(**given)
    assert f"nginx_site_root is '{root}', but nginx can't read {root}/index.html: Permission denied" in refused["msg"]
    assert "such as /srv/www/shop, by a task before this one" in refused["msg"]
    assert not (host.etc / "sites-available/gunicorn-shop").exists()
    # A site that has all from the app has none of it.
    with host.reloaded():
        assert "msg" not in site(server_names=NAMES, root=str(root))


def test_a_folder_that_is_not_there_is_told(host, site):
    given = {"server_names": NAMES, "locations": ["/api/"], "root": "/nosuch/www"}
    assert "there is no /nosuch/www" not in str(site(**given, check=True)["warnings"])
    with host.reloaded():
        assert "there is no /nosuch/www" in str(site(**given)["warnings"])


def _raw(host, text: str) -> str:
    with socket.create_connection(("127.0.0.1", host.port)) as connection:
        connection.sendall(text.encode())
        connection.settimeout(60)
        return connection.recv(1000).decode()


def test_a_load_balancer_gets_the_health_by_whatever_host(play, host, app, hashed):
    path = host.etc.parent / "srv/shop/current/app.sock"
    path.unlink()
    requests = app(path, 203)
    path.chmod(0o777)
    ask = play(health={"path": "/healthz"}, auth={"users": {"ops": hashed}})
    for name in ("192.0.2.7", "192.0.2.7:8080", "[2001:db8::1]", NAMES[0]):
        assert ask("/healthz", Host=name).status == 203
    assert _raw(host, "GET /healthz HTTP/1.0\r\n\r\n").startswith("HTTP/1.1 203")
    assert {(each.headers["Host"], each.headers["X-Forwarded-Proto"]) for each in requests} == {(NAMES[0], "https")}
    # It alone, and nothing is sent there.
    with pytest.raises(ConnectionResetError):
        ask("/", Host="192.0.2.7")
    assert host.ask("/healthz", method="POST", Host="192.0.2.7").status == 403


def test_a_default_site_has_it_for_every_host(play, host):
    ask = play(server_names=[], health={"path": "/healthz", "host": "www.example.com"})
    assert ask("/healthz", Host="anything").status == 203


def test_over_tls_it_is_plain_all_the_same(play, host, own):
    with host.reloaded():
        own(health={"path": "/healthz"})
    assert host.ask("/healthz", Host="192.0.2.7").status == 203
    assert host.ask("/healthz", Host=NAMES[0]).status == 203
    assert host.ask("/", Host=NAMES[0]).status == 301


def test_who_answers_by_address_already_is_named(host, site, write):
    write(host.etc, {"sites-enabled/theirs": "server { listen 80; server_name ~^[0-9.]+$; return 204; }\n"})
    refused = site(server_names=NAMES, health={"path": "/healthz"})["msg"]
    assert "which the server at" in refused
    assert "sites-enabled/theirs:1 does already" in refused
    os.unlink(host.etc / "sites-enabled/theirs")
    os.unlink(host.etc / "sites-enabled/default")
    write(host.etc, {"sites-enabled/theirs": "server { listen 80 default_server; return 204; }\n"})
    assert "does already" in site(server_names=NAMES, health={"path": "/healthz"})["msg"]
