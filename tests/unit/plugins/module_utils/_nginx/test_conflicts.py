# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two sites can't both have is named, and nothing else."""

from __future__ import annotations

import re

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import config_parser, conflicts
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.sites import Site, Tls

TLS = Tls("/a.pem", "/a.key", "0a" * 32, http2=True)


def _clashes(
    theirs: str, *server_names: str, tls: Tls | None = None, where: str = "zoo", address: str | None = None
) -> list[str]:
    site = Site(
        **{"app": "shop", "folder": "/srv/shop", "address": address, "ipv6": True, "server_names": list(server_names)},
        **{"location": "/", "root": None, "index": [], "headers": {}, "proxy_headers": {}, "cors_origins": []},
        **{"client_max_body_size": "10m", "tls": tls},
    )
    return conflicts.clashes(site, config_parser.parse(theirs, f"/etc/nginx/{where}"))


@pytest.mark.parametrize(
    ("theirs", "name"),
    [
        ("listen 80; server_name a.de shop.de;", "shop.de"),
        ("server_name SHOP.de;", "shop.de"),
        ("listen [::]:80; server_name shop.de;", "shop.de"),
        ("listen 80; server_name .shop.de;", "shop.de"),
        ("listen 80; server_name .WILD.de;", "*.wild.de"),
        ("listen 80; server_name *.wild.de;", "*.wild.de"),
    ],
)
def test_a_name_that_another_server_has(theirs, name):
    (said,) = _clashes(f"\nserver {{ {theirs} }}", "Shop.de", "*.wild.de")
    address = "[::]:80" if "::" in theirs else "0.0.0.0:80"
    assert said.startswith(
        f"nginx_site_server_names has {name!r}, but /etc/nginx/zoo:2 gives that name to another server on"
    )
    assert f" on {address}: take it out there" in said


@pytest.mark.parametrize(
    "file", ["sites-enabled/zz-gunicorn-zoo", "sites-enabled/gunicorn-zoo", "conf.d/gunicorn-zoo.conf"]
)
@pytest.mark.parametrize(
    ("address", "server"),
    [(None, "http://unix:/srv/shop/current/app.sock"), ("127.0.0.1:9999", "http://127.0.0.1:9999")],
)
def test_an_app_that_may_be_a_part_of_anothers_site(file, address, server):
    (said,) = _clashes("server { listen 80; server_name shop.de; }", "shop.de", where=file, address=address)
    assert (
        "If shop takes the place of the app zoo, take that one's site away first, by nginx_site_app: zoo with" in said
    )
    assert said.endswith(
        "If shop is meant to be a part of that site, have nginx_site_extra of the app zoo say 'location /shop/ { proxy_pass "
        f"{server}; }}', and no site of its own."
    )


def test_with_tls_a_site_claims_both_its_ports():
    theirs = "server { listen 80; listen 443 ssl default_server; server_name shop.de; }"
    assert _clashes(theirs.replace("listen 80; ", ""), "shop.de") == []
    (said,) = _clashes(theirs, "shop.de", tls=TLS)
    assert " on 0.0.0.0:80, 0.0.0.0:443: take it out there" in said
    (said,) = _clashes(theirs, tls=TLS)
    assert "has 'listen 443 ssl default_server'. Take default_server out there" in said


@pytest.mark.parametrize(
    "theirs",
    [
        "server { listen 127.0.0.1:80; server_name shop.de; }",
        "server { listen 443 ssl default_server; server_name shop.de; }",
        "server { listen 80; server_name ~^shop.de$ www.shop.de wild.de _ ''; }",
        "server { listen 80; server_name old.de; } server { listen 80; server_name old.de; }",
        "server { listen 80 default_server; }",
        "upstream gunicorn_shops {} map $uri $gunicorn_shop_ca {} stream { server { listen 80; } }",
    ],
)
def test_what_is_no_clash_with_names(theirs):
    assert _clashes(theirs, "shop.de", "*.wild.de") == []


@pytest.mark.parametrize("listen", ["80 default_server", "*:80 default", "[::]:80 ipv6only=on default_server"])
def test_another_default_site(listen):
    (said,) = _clashes(f"server {{ listen 81; listen {listen}; server_name a.de; }}")
    assert f"the host's default site is another one: /etc/nginx/zoo:1 has 'listen {listen}'." in said
    assert said.endswith("or name the hosts of the app shop.")


@pytest.mark.parametrize(
    "theirs",
    [
        "server { listen 80; server_name _; }",
        "server { listen 10.0.0.1:80 default_server; listen 443 default_server; }",
        "server { listen unix:/run/a default_server; listen 80 udp default_server; }",
    ],
)
def test_what_is_no_clash_with_a_default_site(theirs):
    assert _clashes(theirs) == []


@pytest.mark.parametrize(
    ("theirs", "names"),
    [
        ("upstream gunicorn_shop { server unix:/run/a; }", "gunicorn_shop"),
        (
            "map $uri $gunicorn_shop_connection {} geo $gunicorn_shop_upgrade {}",
            "$gunicorn_shop_connection, $gunicorn_shop_upgrade",
        ),
    ],
)
def test_what_only_a_copy_of_the_site_defines(theirs, names):
    (said,) = _clashes(theirs)
    assert re.match(
        rf"/etc/nginx/zoo defines {re.escape(names)}, as the site of the app shop does: if it is a copy", said
    )
