# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site takes over from nginx's tree and gives back to it."""

from __future__ import annotations

import os

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import site_files
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.site_files import SiteError, Tree
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.sites import Site

DEBIAN = "server {\n    listen 80 default_server;\n    root /var/www/html;\n}\n"


def _site(app="shop", server_names=(), client_max_body_size="10m") -> Site:
    return Site(
        **{"app": app, "folder": f"/srv/{app}", "address": None, "ipv6": False, "server_names": list(server_names)},
        **{"location": "/", "root": None, "index": [], "headers": {}, "proxy_headers": {}, "cors_origins": []},
        client_max_body_size=client_max_body_size,
    )


@pytest.fixture
def etc(tmp_path, write):
    """Return nginx's tree as Debian's package leaves it."""
    folder = write(
        tmp_path / "nginx",
        {
            "nginx.conf": f"http {{\n\tinclude {tmp_path}/nginx/conf.d/*.conf;\n\tinclude sites-enabled/*;\n}}\n",
            "sites-available/default": DEBIAN,
        },
    )
    (folder / "sites-enabled").mkdir()
    (folder / "sites-enabled/default").symlink_to(folder / "sites-available/default")
    return folder


@pytest.fixture
def nginx_org(tmp_path, write):
    """Return nginx's tree as nginx.org's package leaves it."""
    return write(
        tmp_path / "nginx",
        {
            "nginx.conf": "http {\n    include       mime.types;\n    include conf.d/*.conf; # include sites-enabled/*;\n}\n",
            "conf.d/default.conf": DEBIAN,
        },
    )


def _put(etc, site: Site) -> Tree:
    """Do what nginx's proof leads to; a second time there must be nothing left to do."""
    tree = Tree(str(etc), site)
    site_files.apply(str(etc), tree.changes())
    assert Tree(str(etc), site).changes() == {}
    return tree


def _files(etc) -> dict[str, str]:
    """Return the sites by path: their text, or where a link leads."""
    paths = sorted([*etc.glob("sites-*/*"), *etc.glob("conf.d/*")])
    return {
        str(path.relative_to(etc)): os.path.relpath(os.readlink(path), etc) if path.is_symlink() else path.read_text()
        for path in paths
    }


ORIGINAL = {"sites-available/default": DEBIAN, "sites-enabled/default": "sites-available/default"}
# What a site has besides its own file.
PAGES = ["gunicorn-shop-502.html", "gunicorn-shop-503.html"]
DEFAULT = {**ORIGINAL, "sites-available/default": _site().text(), "sites-available/default.original": DEBIAN}
NAMES = ["shop.example.com", "www.shop.example.com"]
NAMED = {
    **ORIGINAL,
    "sites-available/gunicorn-shop": _site(server_names=NAMES).text(),
    "sites-enabled/zz-gunicorn-shop": "sites-available/gunicorn-shop",
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
        _put(etc, site)
    assert _files(etc) == files


def test_a_host_without_a_default_site(etc):
    for path in etc.glob("sites-*/default"):
        path.unlink()
    _put(etc, _site())
    assert _files(etc) == {name: text for name, text in DEFAULT.items() if not name.endswith(".original")}
    _put(etc, _site(server_names=NAMES))
    assert _files(etc) == {name: text for name, text in NAMED.items() if not name.endswith("default")}


def test_a_default_site_that_was_not_enabled_is_not_enabled_afterwards(etc):
    (etc / "sites-enabled/default").unlink()
    _put(etc, _site())
    _put(etc, _site(server_names=NAMES))
    assert _files(etc) == {name: text for name, text in NAMED.items() if name != "sites-enabled/default"}


@pytest.mark.parametrize("server_names", [(), NAMES])
def test_a_link_to_somebodys_site_is_not_turned(etc, server_names):
    site = _site(server_names=server_names)
    (etc / "sites-available/theirs").write_text(DEBIAN)
    link = etc / "sites-enabled" / ("zz-gunicorn-shop" if server_names else "default")
    link.unlink(missing_ok=True)
    link.symlink_to("../sites-available/theirs")
    with pytest.raises(
        SiteError, match=f"sites-enabled/{link.name} exists and was not made by this role: move it away"
    ):
        _put(etc, site)


def test_the_original_is_kept_to_the_byte(etc):
    original = DEBIAN.encode() + b"# f\xfcr Gr\xfc\xdfe\r\n"
    (etc / "sites-available/default").write_bytes(original)
    _put(etc, _site())
    assert (etc / "sites-available/default.original").read_bytes() == original
    _put(etc, _site(server_names=NAMES))
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
            NAMES, "sites-enabled/zz-gunicorn-shop", DEBIAN,
            "sites-enabled/zz-gunicorn-shop exists and was not made by this role: move it away", id="a file for a link",
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
    with pytest.raises(SiteError, match=said):
        _put(etc, _site(server_names=server_names))
    assert _files(etc) == before


def test_apps_with_names_live_beside_the_default_site_of_another(etc):
    _put(etc, _site("blog"))
    _put(etc, _site(server_names=NAMES))
    assert _files(etc)["sites-available/default"] == _site("blog").text()
    assert _files(etc)["sites-available/gunicorn-shop"] == _site(server_names=NAMES).text()


def test_a_link_of_an_older_version_goes_before_the_new_one_comes(etc):
    _put(etc, _site(server_names=NAMES))
    (etc / "sites-enabled/zz-gunicorn-shop").rename(etc / "sites-enabled/gunicorn-shop")
    # Both at once would be a tree that nginx refuses, were the run killed there.
    changes = Tree(str(etc), _site(server_names=NAMES)).changes()
    assert list(changes) == ["sites-enabled/gunicorn-shop", "sites-enabled/zz-gunicorn-shop"]
    _put(etc, _site(server_names=NAMES))
    assert _files(etc) == NAMED


@pytest.mark.parametrize("server_names", [(), NAMES])
def test_a_file_of_somebody_else_with_a_name_of_ours_stays(etc, server_names):
    (etc / "sites-enabled/gunicorn-shop").write_text(DEBIAN)
    (etc / "conf.d").mkdir()
    (etc / "conf.d/zz-gunicorn-shop.conf").write_text(DEBIAN)
    before = _files(etc)
    _put(etc, _site(server_names=server_names))
    assert _files(etc) == {**before, **(NAMED if server_names else DEFAULT)}


IN_CONF_D = {"conf.d/default.conf": DEBIAN, "conf.d/zz-gunicorn-shop.conf": _site(server_names=NAMES).text()}


@pytest.mark.parametrize(
    ("steps", "files"),
    [
        pytest.param([_site(server_names=NAMES)], IN_CONF_D, id="names"),
        pytest.param(
            [_site()], {"conf.d/default.conf": _site().text(), "conf.d/default.conf.original": DEBIAN}, id="default"
        ),
        pytest.param([_site(), _site(server_names=NAMES)], IN_CONF_D, id="from default to names"),
    ],
)
def test_sites_in_the_layout_of_nginx_org(nginx_org, steps, files):
    for site in steps:
        tree = _put(nginx_org, site)
    assert _files(nginx_org) == files
    assert tree.path == tree.entry == str(nginx_org / next(path for path, text in files.items() if text == site.text()))


@pytest.mark.parametrize(
    ("includes", "entry"),
    [
        ("include /etc/nginx/sites-enabled/*;", None),
        ("include sites-enabled/*; include conf.d/*.conf;", "sites-enabled/zz-gunicorn-shop"),
        ("include   'conf.d/*.conf';", "conf.d/zz-gunicorn-shop.conf"),
        ('include "sites-enabled/*";', "sites-enabled/zz-gunicorn-shop"),
        ("include sites-enabled/*.conf; include conf.d/*;", "conf.d/zz-gunicorn-shop.conf"),
        ("include sites-enabled/*.conf; # include conf.d/*.conf;", None),
        ("include *.conf;", "sites-enabled/zz-gunicorn-shop"),
        (" include more.conf;", "sites-enabled/zz-gunicorn-shop"),
        ("include ./sites-enabled/[!.]*;", "sites-enabled/zz-gunicorn-shop"),
        ("include sites-enabled/zz-*; include conf.d/*.conf;", "conf.d/zz-gunicorn-shop.conf"),
        ("server { include sites-enabled/*; }", None),
        ("", None),
    ],
)
def test_what_nginx_conf_includes_says_where_a_site_goes(etc, includes, entry):
    (etc / "nginx.conf").write_text(f"events {{ include sites-enabled/*; }}\nhttp {{ {includes}\n}}\n")
    (etc / "more.conf").write_text("include sites-enabled/*;\n")
    if entry:
        assert _put(etc, _site(server_names=NAMES)).entry == str(etc / entry)
    else:
        with pytest.raises(
            SiteError, match=r"nginx\.conf includes neither .*sites-enabled/\* nor .*: add one of these two"
        ):
            _put(etc, _site(server_names=NAMES))


def test_a_site_of_somebody_else_that_claims_the_same_is_found_wherever_it_is(etc):
    (etc / "sites-enabled/zoo").write_text("server { server_name shop.example.com; listen 8099; listen 80; }\n")
    assert Tree(str(etc), _site()).clashes() == []
    for _run in range(2):
        tree = Tree(str(etc), _site(server_names=NAMES))
        (said,) = tree.clashes()
        assert said.startswith(f"nginx_site_server_names has 'shop.example.com', but {etc}/sites-enabled/zoo:1 gives")
        assert set(tree.listens()) == {"0.0.0.0:80", "0.0.0.0:8099"}
        site_files.apply(str(etc), tree.changes())


CERTIFICATE = 'nginx: [emerg] cannot load certificate "/etc/ssl/shop.pem": BIO_new_file() failed'


def test_a_host_without_ipv6_gets_another_default_site(etc):
    fault = "nginx: [emerg] socket() [::]:80 failed (97: Address family not supported by protocol)"
    (etc / "sites-available/default").write_text("server {\n    listen [::]:80 default_server;\n}\n")
    assert Tree(str(etc), _site(server_names=())).repairs(fault)
    assert not Tree(str(etc), _site(server_names=NAMES)).repairs(fault)
    assert not Tree(str(etc), _site(server_names=())).repairs(CERTIFICATE)


@pytest.mark.parametrize("server_names", [(), NAMES])
@pytest.mark.parametrize("present", [True, False])
def test_what_repairs_the_tree(etc, server_names, present):
    _put(etc, _site(server_names=server_names))
    path = etc / "sites-available" / ("gunicorn-shop" if server_names else "default")
    tree = Tree(str(etc), _site(server_names=server_names))
    unknown = f"nginx: [emerg] unknown directive in {tree.entry}:1"
    assert not tree.repairs(CERTIFICATE)
    assert not tree.repairs(unknown)
    path.write_text(path.read_text() + "ssl_certificate /etc/ssl/shop.pem;\n")
    tree = Tree(str(etc), _site(server_names=server_names), present)
    assert tree.repairs(CERTIFICATE)
    assert not tree.repairs(CERTIFICATE.replace("shop", "another"))
    assert tree.repairs(unknown)
    assert not tree.repairs(unknown.replace("shop", "another").replace("default", "another"))


def test_what_the_site_takes_over_does_not_clash_with_it(etc):
    (etc / "sites-available/default").write_text(DEBIAN.replace("root", "server_name shop.example.com; root"))
    for site in (_site(), _site(), _site(server_names=["b.example.com"]), _site()):
        assert Tree(str(etc), site).clashes() == []
        _put(etc, site)


def test_before_nginx_is_installed_its_tree_is_debians(tmp_path):
    tree = Tree(str(tmp_path), _site())
    assert list(tree.changes()) == [*PAGES, "sites-available/default", "sites-enabled/default"]


def test_the_diff_shows_every_file(etc):
    (etc / "sites-available/default").write_bytes(b"# f\xfcr\n")
    tree = Tree(str(etc), _site())
    assert [(change["before_header"], change["before"], change["after"]) for change in tree.diff()] == [
        (f"{etc}/sites-available/default.original", "", "# f\N{REPLACEMENT CHARACTER}r\n"),
        *((f"{etc}/{name}", "", text) for name, text in _site().pages().items() if text),
        (f"{etc}/sites-available/default", "# f\N{REPLACEMENT CHARACTER}r\n", _site().text()),
    ]


def test_what_was_before_can_be_put_back(etc):
    before = _files(etc)
    tree = Tree(str(etc), _site())
    there = tree.before()
    site_files.apply(str(etc), tree.changes())
    site_files.apply(str(etc), there)
    assert _files(etc) == before


def _take_away(etc, app="shop") -> None:
    """Nothing of the site but its app need be known."""
    tree = Tree(str(etc), _site(app), present=False)
    assert (tree.path, tree.entry) == (None, None)
    site_files.apply(str(etc), tree.changes())
    assert Tree(str(etc), _site(app), present=False).changes() == {}


@pytest.mark.parametrize("steps", [[()], [NAMES], [(), NAMES], [NAMES, ()]])
@pytest.mark.parametrize("layout", ["etc", "nginx_org"])
def test_a_site_that_goes_leaves_all_as_it_was(request, layout, steps):
    folder = request.getfixturevalue(layout)
    before = _files(folder)
    for server_names in steps:
        _put(folder, _site(server_names=server_names))
    _take_away(folder)
    assert _files(folder) == before


def test_a_default_site_goes_where_there_was_none(etc):
    (etc / "sites-enabled/default").unlink()
    (etc / "sites-available/default").unlink()
    _put(etc, _site())
    _take_away(etc)
    assert _files(etc) == {}


def test_a_default_site_keeps_the_link_that_it_had(etc):
    link = etc / "sites-enabled/default"
    link.unlink()
    link.symlink_to("../sites-available/default")
    _put(etc, _site())
    _take_away(etc)
    assert os.readlink(link) == "../sites-available/default"


def test_a_default_site_that_is_a_relative_link_comes_back_as_a_link(etc):
    (etc / "theirs").write_text(DEBIAN)
    default = etc / "sites-available/default"
    default.unlink()
    default.symlink_to("../theirs")
    for present in (True, False):
        site_files.apply(str(etc), site_files.Tree(str(etc), _site(), present).changes())
    assert default.is_symlink()
    assert default.resolve() == etc / "theirs"


def test_a_site_that_goes_takes_no_other_along(etc):
    _put(etc, _site("blog"))
    _put(etc, _site(server_names=NAMES))
    (etc / "sites-available/gunicorn-gallery").write_text(DEBIAN)
    before = _files(etc)
    _take_away(etc, "gallery")
    assert _files(etc) == before
    _take_away(etc)
    assert _files(etc) == {name: text for name, text in before.items() if "shop" not in name}


def test_a_site_goes_before_its_file_does(etc):
    # A link to nothing is a tree that nginx refuses, were the run killed there.
    _put(etc, _site(server_names=NAMES))
    assert list(Tree(str(etc), _site(), present=False).changes()) == [
        "sites-enabled/zz-gunicorn-shop",
        "sites-available/gunicorn-shop",
        *PAGES,
    ]
