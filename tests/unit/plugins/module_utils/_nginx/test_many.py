# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients who ask for much at a time, on a real nginx, and what nginx has for them."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import threading

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.sites import Site, Tls

GREEDY, ANOTHER, NEAR = "203.0.113.9", "2001:db8::9", "10.1.2.3"
BEGUN = "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\nX-Forwarded-For: {}\r\n\r\n"


@pytest.fixture
def begun(host):
    """Return a function that begins requests as from an address, and ends none."""
    with contextlib.ExitStack() as stack:

        def begun(address: str, number: int) -> None:
            for _each in range(number):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", host.port)))
                connection.sendall(BEGUN.format(address).encode())

        yield begun


def _play(host, site, **given):
    with host.reloaded():
        site(trusted_proxies=["127.0.0.1"], **given)
    return lambda address: host.ask("/", X_Forwarded_For=address).status


def test_no_client_from_elsewhere_has_all_of_nginx(host, site, begun, monkeypatch):
    monkeypatch.setattr(server, "capacity", lambda: (1, 512))
    ask = _play(host, site)
    begun(GREEDY, 128)
    host.until(lambda: ask(GREEDY) == 429)
    assert ask(ANOTHER) == 203
    # Whoever shares an address of the house, or is a load balancer.
    begun(NEAR, 130)
    assert ask(NEAR) == 203


def test_who_begins_a_request_and_does_not_go_on_is_closed(host, site):
    with host.reloaded():
        site()
    host.sooner("client_header_timeout 100ms;", than="client_header_timeout 15s;")
    with socket.create_connection(("127.0.0.1", host.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\nX-")
        connection.settimeout(30)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def test_a_limit_of_ones_own_takes_its_place(host, site, begun):
    ask = _play(host, site, limits=[{"path": "/", "connections": 2}])
    begun(GREEDY, 2)
    host.until(lambda: ask(GREEDY) == 429)
    assert ask(ANOTHER) == 203
    assert "gunicorn_shop_address" not in (host.etc / "sites-available/default").read_text()


@pytest.mark.parametrize(
    ("conf", "capacity"),
    [
        ("worker_processes 4; events { worker_connections 768; }", (4, 768)),
        ("worker_processes auto; events { worker_connections 8192; }", (3, 8192)),
        ("events {}", (1, 512)),
        ("", (3, 768)),
    ],
)
def test_what_nginx_has_is_read_from_its_configuration(tmp_path, monkeypatch, conf, capacity):
    monkeypatch.setattr(server.os, "cpu_count", lambda: 3)
    monkeypatch.setattr(server, "ETC", str(tmp_path))
    (tmp_path / "nginx.conf").write_text(conf)
    assert server.capacity() == capacity


def test_few_connections_are_told_of_once(host, site):
    warned = site()["warnings"]
    assert ["worker_rlimit_nofile 16384" in each and "worker_connections 8192" in each for each in warned] == [True]
    assert site()["warnings"] == []


def test_a_module_is_known_by_what_loads_it(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "ETC", str(tmp_path))
    (tmp_path / "modules").mkdir()
    (tmp_path / "nginx.conf").write_text("include modules/*.conf; events {}")
    assert not server.has("brotli_filter")
    (tmp_path / "modules/50.conf").write_text("load_module modules/ngx_http_brotli_filter_module.so;")
    assert server.has("brotli_filter")
    assert not server.has("brotli_static")


@pytest.mark.parametrize("names", [[], ["www.example.com"]])
def test_http3_is_said_over_tls_alone(names):
    tls = Tls(certificate="/a.pem", key="/a.key", digest=None, http2=True)
    common = {
        "address": None,
        "ipv6": True,
        "client_max_body_size": "10m",
        "location": "/",
        "root": None,
        "index": ["a"],
    }
    more = {"headers": {}, "proxy_headers": {}, "cors_origins": [], "server_names": names}
    site = Site("shop", "/srv/shop", **common, **more, tls=tls, http3=True)
    plain, secure = (each for each in site.text().split("\nserver {")[1:])
    default = "" if names else " default_server"
    assert [f"listen {each} quic reuseport{default};" in secure for each in ("443", "[::]:443")] == [True, True]
    assert """add_header Alt-Svc 'h3=":443"; ma=86400' always;""" in secure
    assert "quic" not in plain
    assert "Alt-Svc" not in plain


def test_one_site_alone_says_reuseport(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "ETC", str(tmp_path))
    of = "upstream gunicorn_%s { server a; } server { listen 443 quic reuseport; }"
    (tmp_path / "nginx.conf").write_text("http { include sites/*; }")
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites/shop").write_text(of % "shop")
    assert not server.has_quic("shop")
    assert server.has_quic("blog")


def test_http3_is_refused_where_nginx_has_none(host, own, monkeypatch):
    monkeypatch.setattr(server, "has_http3", lambda: False)
    assert "built without HTTP/3" in own(http3=True)["msg"]


class ManyCookies(http.server.BaseHTTPRequestHandler):
    """Answers with more cookies than fit into nginx's own 4 KiB."""

    def do_GET(self):
        self.send_response(200)
        for number in range(5):
            self.send_header("Set-Cookie", f"a{number}={'x' * 2500}")
        self.end_headers()

    def log_message(self, *_arguments):
        """Say nothing: who connects to a unix socket has no address to be named by."""


def test_many_cookies_are_no_502(host, site):
    path = host.etc.parent / "srv/shop/current/app.sock"
    with host.reloaded():
        site()
    path.unlink()
    with socketserver.ThreadingUnixStreamServer(str(path), ManyCookies) as app:
        path.chmod(0o777)
        threading.Thread(target=app.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        assert host.ask("/").status == 200
        app.shutdown()
