# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site of an app, and what it takes over from and gives back to the host."""

from __future__ import annotations

import os
import re

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils import _nginx
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import NginxError, Site, Tree

DEBIAN = "server {\n    listen 80 default_server;\n    root /var/www/html;\n}\n"


def _site(app="shop", server_names=(), client_max_body_size="10m", ipv6=False) -> Site:
    return Site(app, f"/srv/{app}", list(server_names), client_max_body_size, ipv6)


@pytest.fixture
def etc(tmp_path, monkeypatch, write):
    """Return nginx's tree as Debian's package leaves it."""
    folder = write(tmp_path / "nginx", {"nginx.conf": "user www-data;\n", "sites-available/default": DEBIAN})
    monkeypatch.setattr(_nginx, "ETC", str(folder))
    (folder / "sites-enabled").mkdir()
    (folder / "sites-enabled/default").symlink_to(folder / "sites-available/default")
    return folder


def _put(site: Site) -> None:
    """Do what install does to the files, without nginx; a second time there must be nothing left to do."""
    _nginx._apply(_nginx.ETC, Tree(site).changes())
    assert Tree(site).changes() == {}


def _files(etc) -> dict[str, str]:
    """Return the sites by path: their text, or where a link leads."""
    paths = sorted(path for path in etc.glob("sites-*/*"))
    return {
        str(path.relative_to(etc)): os.path.relpath(os.readlink(path), etc) if path.is_symlink() else path.read_text()
        for path in paths
    }


ORIGINAL = {"sites-available/default": DEBIAN, "sites-enabled/default": "sites-available/default"}
DEFAULT = {**ORIGINAL, "sites-available/default": _site().text(), "sites-available/default.original": DEBIAN}
NAMES = ["shop.example.com", "www.shop.example.com"]
NAMED = {
    **ORIGINAL,
    "sites-available/gunicorn-shop": _site(server_names=NAMES).text(),
    "sites-enabled/gunicorn-shop": "sites-available/gunicorn-shop",
}


@pytest.mark.parametrize(
    ("steps", "files"),
    [
        pytest.param([_site()], DEFAULT, id="the default site keeps the original"),
        pytest.param([_site(client_max_body_size="1g"), _site()], DEFAULT, id="a changed default site too"),
        pytest.param([_site(server_names=NAMES)], NAMED, id="a site with names leaves the default alone"),
        pytest.param([_site(), _site(server_names=NAMES)], NAMED, id="from default to names"),
        pytest.param([_site(server_names=NAMES), _site()], DEFAULT, id="from names to default"),
        pytest.param(
            [_site(), _site(server_names=NAMES), _site(), _site(server_names=NAMES)], NAMED, id="to and fro"
        ),
    ],
)  # fmt: skip
def test_sites_after(etc, steps, files):
    for site in steps:
        _put(site)
    assert _files(etc) == files


def test_a_host_without_a_default_site(etc):
    for path in etc.glob("sites-*/default"):
        path.unlink()
    _put(_site())
    assert _files(etc) == {name: text for name, text in DEFAULT.items() if not name.endswith(".original")}
    _put(_site(server_names=NAMES))
    assert _files(etc) == {name: text for name, text in NAMED.items() if not name.endswith("default")}


def test_a_default_site_that_was_not_enabled_is_not_enabled_afterwards(etc):
    (etc / "sites-enabled/default").unlink()
    _put(_site())
    _put(_site(server_names=NAMES))
    assert _files(etc) == {name: text for name, text in NAMED.items() if name != "sites-enabled/default"}


@pytest.mark.parametrize("server_names", [(), NAMES])
def test_a_link_to_somebodys_site_is_not_turned(etc, server_names):
    site = _site(server_names=server_names)
    (etc / "sites-available/theirs").write_text(DEBIAN)
    link = etc / "sites-enabled" / site.name
    link.unlink(missing_ok=True)
    link.symlink_to("../sites-available/theirs")
    with pytest.raises(
        NginxError, match=f"sites-enabled/{site.name} exists and was not made by this role: move it away"
    ):
        _put(site)


def test_the_original_is_kept_to_the_byte(etc):
    original = DEBIAN.encode() + b"# f\xfcr Gr\xfc\xdfe\r\n"
    (etc / "sites-available/default").write_bytes(original)
    _put(_site())
    assert (etc / "sites-available/default.original").read_bytes() == original
    _put(_site(server_names=NAMES))
    assert (etc / "sites-available/default").read_bytes() == original


@pytest.mark.parametrize(
    ("server_names", "file", "text", "said"),
    [
        pytest.param(
            [], "sites-available/default", _site("blog").text(),
            "nginx_site_server_names is empty, .* another app's .*the app blog.*: name the hosts of the app shop",
            id="another app is the default site",
        ),
        pytest.param(
            NAMES, "sites-available/gunicorn-shop", DEBIAN,
            "sites-available/gunicorn-shop exists and was not made by this role: move it away", id="somebody's site",
        ),
        pytest.param(
            NAMES, "sites-available/gunicorn-shop", _site("blog", NAMES).text(), "was not made by this role",
            id="another app's site",
        ),
        pytest.param(
            NAMES, "sites-enabled/gunicorn-shop", DEBIAN,
            "sites-enabled/gunicorn-shop exists and was not made by this role: move it away", id="a file for a link",
        ),
        pytest.param(
            [], "sites-enabled/default", DEBIAN.replace("html", "else"),
            "sites-enabled/default exists and was not made by this role: move it away",
            id="a file for the default link",
        ),
    ],
)  # fmt: skip
def test_what_is_somebody_elses_is_refused(etc, server_names, file, text, said):
    (etc / file).unlink(missing_ok=True)
    (etc / file).write_text(text)
    before = _files(etc)
    with pytest.raises(NginxError, match=said):
        _put(_site(server_names=server_names))
    assert _files(etc) == before


def test_apps_with_names_live_beside_the_default_site_of_another(etc):
    _put(_site("blog"))
    _put(_site(server_names=NAMES))
    assert _files(etc)["sites-available/default"] == _site("blog").text()
    assert _files(etc)["sites-available/gunicorn-shop"] == _site(server_names=NAMES).text()


@pytest.mark.parametrize(
    ("site", "lines", "not_lines"),
    [
        pytest.param(
            _site(), ["listen 80 default_server;", "server_name _;", "client_max_body_size 10m;"],
            ["listen [::]:80 default_server;"], id="default",
        ),
        pytest.param(
            _site(ipv6=True), ["listen 80 default_server;", "listen [::]:80 default_server;"], [],
            id="default with IPv6",
        ),
        pytest.param(
            _site(server_names=NAMES, ipv6=True, client_max_body_size="1g"),
            ["listen 80;", "listen [::]:80;", f"server_name {' '.join(NAMES)};", "client_max_body_size 1g;"],
            ["listen 80 default_server;"], id="names",
        ),
        pytest.param(
            _site("my_shop"),
            ["upstream gunicorn_my_shop {", "server unix:/srv/my_shop/current/app.sock;", "proxy_pass http://gunicorn_my_shop;"],
            [], id="its app",
        ),
        pytest.param(
            _site(),
            [f'proxy_set_header {name} "";' for name in ("X-Forwarded-Host", "Forwarded", "Proxy", "SCRIPT_NAME")]
            + [f"proxy_set_header {line};" for line in ("Host $host", "X-Forwarded-For $remote_addr")], [],
            id="no client chooses what the app trusts",
        ),
    ],
)  # fmt: skip
def test_a_site_says(site, lines, not_lines):
    text = [line.strip() for line in site.text().splitlines()]
    assert [line for line in lines if line not in text] == []
    assert [line for line in not_lines if line in text] == []


@pytest.mark.parametrize("names", [(), NAMES])
def test_a_site_is_whole_and_shares_no_name_with_another(names):
    shop, blog = _site(server_names=names).text(), _site("blog", names).text()
    for text in (shop, blog):
        assert text.count("{") == text.count("}")
    # What nginx knows by name for all sites alike.
    names_in = [set(re.findall(r"^(?:upstream|map \S+) (\S+)", text, re.MULTILINE)) for text in (shop, blog)]
    assert len(names_in[0]) == len(names_in[1]) == 2
    assert not names_in[0] & names_in[1]


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("user nginx;\n", "nginx"),
        ("# user nobody;\n\n  user  www-data www-data;\nhttp {}\n", "www-data"),
        ("http {}\n", "www-data"),
        (None, "www-data"),
    ],
)
def test_the_account_of_nginx(etc, text, user):
    (etc / "nginx.conf").unlink()
    if text:
        (etc / "nginx.conf").write_text(text)
    assert _nginx.user() == user
