# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real nginx answers without the app: that the site is closed, that the app is gone or too slow, and what a CA asks."""

from __future__ import annotations

import json
import socket

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import acme, sites

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@pytest.fixture
def play(host, site):
    """Play the module, and wait until no nginx of before answers."""

    def play(**given):
        with host.reloaded():
            site(**given)

    return play


@pytest.fixture
def gone(host):
    """Have the app be gone."""
    (host.etc.parent / "srv/shop/current/app.sock").unlink()


@pytest.mark.parametrize("method", METHODS)
def test_a_closed_site_says_so_whatever_is_asked(host, play, method):
    play(maintenance={"active": True, "retry_after": 60}, headers={"X-Mine": "1"})
    answer = host.ask("/orders", method)
    assert (answer.status, answer.getheader("Retry-After"), answer.getheader("X-Mine")) == (503, "60", "1")
    assert ("Back soon" in answer.said) == (method != "HEAD")
    assert answer.getheader("Cache-Control") == "no-store"
    assert host.requests == []


@pytest.mark.parametrize("method", METHODS)
def test_an_app_that_is_gone_has_a_page_whatever_is_asked(host, play, gone, method):
    play(error_pages={502: "<p>Gone fishing</p>"})
    answer = host.ask("/orders", method)
    assert (answer.status, answer.getheader("Retry-After")) == (502, "300")
    assert ("Gone fishing" in answer.said) == (method != "HEAD")


def test_the_page_comes_where_the_body_is_larger_than_the_app_takes(host, play):
    play(maintenance={"active": True}, client_max_body_size="1k")
    with socket.create_connection(("127.0.0.1", host.port)) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n" + b"a" * 2000
        )
        connection.settimeout(60)
        assert connection.recv(100).startswith(b"HTTP/1.1 503 ")


def test_an_app_that_is_too_slow_has_the_same_page(host, play, gone):
    play()
    host.sooner("proxy_read_timeout 100ms;", than="proxy_read_timeout 1h;")
    path = host.etc.parent / "srv/shop/current/app.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        path.chmod(0o777)
        silent.listen()
        answer = host.ask("/", "POST")
    assert (answer.status, answer.getheader("Retry-After")) == (504, "300")
    assert "Out of order" in answer.said


def test_a_page_of_its_own_is_no_page_for_visitors(host, play):
    play()
    assert [host.ask(f"/gunicorn-shop-{status}.html").status for status in (502, 503)] == [404, 404]


def test_a_load_balancer_hears_of_an_app_that_is_gone_from_a_closed_site_too(host, play, gone):
    play(maintenance={"active": True}, health={"path": "/healthz", "host": "www.example.com"})
    assert host.ask("/healthz").status == 502
    # nginx's own patterns end before a last line feed.
    assert [host.ask(path).status for path in ("/healthz%0a", "/healthz/", "/xhealthz")] == [503] * 3


def test_an_unknown_host_hears_of_it_as_well(host, play, gone):
    (host.etc / "sites-enabled/default").unlink()
    play(server_names=["www.example.com"], health={"path": "/healthz"})
    answer = host.ask("/healthz", Host="elsewhere.example.com")
    assert (answer.status, "Out of order" in answer.said) == (502, True)


def test_a_ca_is_answered_by_a_closed_site(host, play, write, monkeypatch):
    monkeypatch.setattr(sites, "_CHALLENGE", (f"root {host.etc.parent}/acme;", *sites._CHALLENGE[1:]))
    write(host.etc.parent / "acme", {f"{acme.CHALLENGES[1:]}/token": "the answer"})
    play(maintenance={"active": True})
    assert host.ask(f"{acme.CHALLENGES}/token").said == "the answer"
    asked = [f"{acme.CHALLENGES}/../x", f"{acme.CHALLENGES}x", f"/a{acme.CHALLENGES}/token", "/"]
    assert [host.ask(path).status for path in asked] == [503] * 4


def test_nothing_of_the_users_own_takes_the_place_of_these(host, play, gone):
    away = "rewrite ^ https://elsewhere.example.com/ permanent;"
    play(extra=away, health={"path": "/healthz", "host": "www.example.com"})
    assert [host.ask(path).status for path in ("/", "/healthz", f"{acme.CHALLENGES}/token")] == [301, 502, 404]
    assert "Out of order" in host.ask("/healthz").said
    site = {"extra": away, "health": {"path": "/healthz", "host": "www.example.com"}, "maintenance": {"active": True}}
    play(**site, client_max_body_size="20m")
    assert "Back soon" in host.ask("/").said


def test_the_log_has_what_was_sent(host, play, gone):
    play(access_log={"path": "/var/log/nginx/shop.log"})
    log = host.log / "shop.log"
    host.ask("/", "DELETE", User_Agent="caf\xe9")
    host.until(lambda: log.read_text().endswith("\n"))
    said = json.loads(log.read_text())
    assert {name: said[name] for name in ("method", "referer", "agent")} == {
        "method": "DELETE",
        "referer": "",
        "agent": "(not UTF-8)",
    }
