# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A visitor who comes by plain HTTP learns whether the app only works over TLS."""

from __future__ import annotations

import http.server
import threading

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import plain

PAGES = {
    "/": (200, {}),
    "/redirects": (301, {"Location": "https://shop.example.com/redirects"}),
    "/elsewhere": (302, {"Location": "https://login.example.net/"}),
    "/login": (302, {"Location": "/login/?next=/"}),
    "/login/?next=/": (200, {"Set-Cookie": "csrftoken=a; HttpOnly; Path=/; SameSite=Lax; Secure"}),
    "/open": (200, {"Set-Cookie": "insecure=secure; Path=/"}),
    "/round": (302, {"Location": "/round"}),
    "/broken": (302, {"Location": "http://[shop/"}),
}


@pytest.fixture(scope="module")
def port():
    """Return the port of an app that answers PAGES."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers = PAGES[self.path] if self.headers["Host"] == "shop.example.com" else (400, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_said):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("path", ["/", "/elsewhere", "/open", "/round", "/broken"])
def test_nothing_is_said_of_what_works(port, path):
    assert plain.fault("shop.example.com", path, port) is None


def test_a_redirect_to_https_is_told(port):
    told = plain.fault("shop.example.com", "/redirects", port)
    assert "leads visitors to https://shop.example.com, which this site doesn't speak: give nginx_site_tls" in told


def test_a_cookie_for_https_alone_is_told_also_of_the_page_that_another_leads_to(port):
    told = plain.fault("shop.example.com", "/login", port)
    assert "http://shop.example.com/login/ sets csrftoken for https alone" in told
    assert "give nginx_site_tls, or, if a proxy in front speaks it, nginx_site_trusted_proxies" in told


def test_nobody_who_answers_is_no_fault():
    assert plain.fault("shop.example.com", "/", 1) is None
