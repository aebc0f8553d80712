# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be called what."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming

ACCEPTED = {
    naming.app_name: ["a", "shop", "my_shop", "shop2", "x1_2b", "a" * 31],
    naming.relative_path: [".", "src", "src/app/", "./src", "my app/src", "a..b", "~x", "größe"],
    naming.absolute_path: ["/srv", "/srv/apps-2", "/usr/bin/python3.11", "/opt/a.b@c+d"],
    naming.server_name: [
        "localhost",
        "www.example.com",
        "*.example.com",
        "WWW.Example.COM",
        "xn--mnchen-3ya.de",
        "a_b.example.com",
        "default.example.com",
        f"{'a' * 63}.example.com",
        "a." * 126 + "a",
    ],
    naming.env_key: ["A", "_", "a1", "DJANGO_SETTINGS_MODULE"],
    naming.size: [1, 1048576, "512k", "10m", "1G", "8589934591g"],
    naming.location: ["/", "/shop/", "/a-b/c.d/~e_f/"],
    naming.file_name: ["index.html", "index.nginx-debian.html", "INDEX", "_x"],
    naming.origin: [
        *("https://app.example.com", "http://localhost:3000", "https://a-b.example.com:8443", "http://192.0.2.7"),
        *(
            "http://[2001:db8::1]:8080",
            "capacitor://localhost",
            "http://a.de:443",
            "https://a.de:80",
            "https://a.de:4433",
        ),
    ],
    naming.app_root: ["/srv", "/opt/web-apps", "/var/www", "/tmpfs", "/srv/home", "/runs", "/srv/run"],
    naming.interpreter: ["/usr/bin/python3", "/opt/python3.14/bin/python3", "/srv/home/bin/python3", "/homes/python3"],
    naming.group: ["postgres", "web.all", "a_b"],
    naming.requirements_file: [
        *("Pipfile.lock", "poetry.lock", "src/pdm.lock", "pylock.toml", "pylock.web.toml"),
        *("uv.lock", "src/uv.lock", "pyproject.toml", "requirements.txt", "requirements/production", "requirements.in"),
    ],
    naming.package: ["libpq5", "g++", "libpq-dev=15.14-0+deb12u1", "tzdata=1:2025b-0~deb12"],
    naming.index_url: [
        *("https://pypi.org/simple", "http://127.0.0.1:8080/simple/", "HTTPS://pypi.example.com"),
        *("https://me:pw@pypi.example.com/simple", "https://me%40example.com:a%2Fb@pypi.example.com/a/b"),
    ],
    naming.url_path: ["/", "/healthz", "/a/b?c=d&e=%20", "/~a/(b)*,=:@!'+-._"],
}
REFUSED = {
    naming.app_name: [
        *("", "Shop", "my-shop", "1shop", "_shop", "shop_", "my__shop", "é", "a" * 32),
        *("../x", "-x", ".x", "a b", "a;b", "a%b", "a@b", "shop\n", None, 7),
    ],
    naming.relative_path: [
        *("", "/etc", "..", "../x", "a/../b", "a//b", None, 7),
        *("a\nb", "a%b", "a\\b", 'a"b', "$x", "a;b"),
        # systemd cuts blanks off the end of a value.
        *(" ", "src "),
    ],
    naming.absolute_path: [
        "",
        "/",
        "srv",
        "~/x",
        "/srv/../etc",
        "/./etc",
        "/srv/.",
        "/a//b",
        "/a b",
        "/a;b",
        "/a%i",
        "/a\n",
        None,
    ],
    naming.server_name: [
        *("", "*", "www.*", "~^www", ".example.com", "example.com.", "a..b", "-a.de", "a-.de", "a b.de", None),
        *("x.com; return 200 pwned; #", "$host", "a.de\n", 'a"b', "http://a.de", "a.de:80", "{a}.de"),
        *(
            f"{'a' * 64}.de",
            "a." * 126 + "aa",
            "münchen.de",
            "a.de/shop",
            "a.de,b.de",
            "a.de b.de",
            "192.0.2.7",
            "[::1]",
            "_",
        ),
        *("https://", "https://a b.de/", "Default", "hostnames", "\u0661.de", 7, True, ["a.de"], {"a.de": 1}),
        # Python takes these two for an s and a K where it ignores case.
        *("\u017fhop.de", "\u212aiosk.de"),
    ],
    naming.env_key: ["", "1A", "A-B", "A B", "A=B", "A\n", "É", None, 7],
    naming.size: [
        *(
            "",
            "m",
            "10mb",
            "-1",
            "1.5m",
            "10m;",
            "10m\n",
            None,
            True,
            0,
            "0",
            "00m",
            "8589934592g",
            "9" * 30,
            "\u0661m",
        ),
    ],
    naming.location: [
        *("", "shop", "/shop", "shop/", "//", "/a//b/", "/../", "/a/../b/", "/./", "/.git/", "/a b/", "/a;b/", "/$x/"),
        *("/a{/", "/ü/", "/%20/", "/a/\n", "~ /", "= /", None),
    ],
    naming.file_name: ["", "/etc/passwd", "a/b", "..", ".htaccess", "-x", "a b", "a;b", "$uri", "ü", "a\n", None],
    naming.origin: [
        *("", "null", "app.example.com", "https://", "https://a.de/", "https://a.de/x", "HTTPS://a.de", "https://A.de"),
        *("https://a.de:443", "http://a.de:80", "https://a.de:", "https://*.a.de", "https://u@a.de", "https://a.de?x"),
        *('https://a.de"', "https://a.de;", "https://a.de\n", "https://a.de$", "https://münchen.de", "*", None),
    ],
    naming.app_root: [
        "srv",
        "/srv/",
        "/",
        "/home",
        "/home/me/apps",
        "/root",
        "/tmp/apps",
        "/var/tmp",
        "/run/user/1",
        "/run",
        "/var/run/apps",
        "/dev/shm",
        None,
        7,
    ],
    naming.interpreter: [
        *("python3", "/usr/bin/../python3", "/root/.local/bin/python3", "/home/me/.pyenv/versions/3.14.0/bin/python"),
        *("/tmp/python3", "/var/tmp/python3", "/run/user/1000/python3", None, 7),
    ],
    naming.group: ["", "-x", "a b", None, 1],
    naming.requirements_file: [
        *("Pipfile", "conda.lock", "src/hatch.toml", "environment.yml", "setup.py"),
        *("setup.cfg", "/etc/requirements.txt", "../requirements.txt", None, 7),
    ],
    naming.package: [
        "",
        "a",
        "libpq5 ",
        "--purge",
        "libpq5=",
        "LibPQ",
        "libpq5/bookworm",
        "libpq5 git",
        "libpq*",
        None,
        7,
    ],
    naming.url_path: ["", "healthz", "http://a.de/", "/a b", "/a;b", "/a\n", "/$x", "/ü", "/a#b", "/a{b}", None],
}


def _cases(values):
    return [
        pytest.param(check, value, id=f"{check.__name__}-{value!r}"[:50]) for check in values for value in values[check]
    ]


@pytest.mark.parametrize(("check", "value"), _cases(ACCEPTED))
def test_accepted(check, value):
    assert check(value) is None


@pytest.mark.parametrize(("check", "value"), _cases(REFUSED))
def test_refused_with_the_value_and_what_is_allowed(check, value):
    fault = check(value)

    assert repr(value) in fault
    assert fault.split()[0] in ("is", "has")
    assert ", but " in fault


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("https://www.example.com/shop/", "that is a URL: write its host alone, 'www.example.com'"),
        ("http://www.example.com:8080", "that is a URL: write its host alone, 'www.example.com'"),
        (
            "www.example.com:8080",
            "the site is on port 80, with nginx_site_tls on 443, and a name has none: write 'www.example.com'",
        ),
        (".example.com", "that stands for two names: list 'example.com' and '*.example.com'"),
        ("www.example.com.", "browsers leave the last dot out: write 'www.example.com'"),
        ("münchen.example", "nginx compares names as browsers send them: write 'xn--mnchen-3ya.example'"),
        ("*.münchen.example", "nginx compares names as browsers send them: write '*.xn--mnchen-3ya.example'"),
        ("192.0.2.1", "that is an address: for a site that answers to addresses leave nginx_site_server_names empty"),
        ("2001:db8::1", "that is an address: for a site that answers to addresses leave nginx_site_server_names empty"),
        (
            "[2001:db8::1]",
            "that is an address: for a site that answers to addresses leave nginx_site_server_names empty",
        ),
        ("_", "that is no name: for a site that answers to every name leave nginx_site_server_names empty"),
        ("include", "that is a word of nginx's own: give the host another name"),
    ],
)
def test_what_is_often_written_for_a_host_name_is_told_what_to_write(value, remedy):
    assert naming.server_name(value) == f"has {value!r}, but {remedy}"


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "pypi.example.com/simple",
            "ftp://hunter2@a.de",
            "https://",
            "https://me:hunter2@",
            "https://me:hunter2/x@a.de",
        ),
        *("https://me:hunter2 @a.de/simple", "https://me:hunter2@a.de/ simple", "https://me:hunter2@a.de/\n", None, 7),
        *("http\u017f://a.de", "https://me:hunter2#@a.de/simple"),
    ],
)
def test_an_index_that_can_not_be_one_is_refused_without_its_password(value):
    fault = naming.index_url(value)

    assert fault.startswith("has a url that is none: it must be such as https://")
    assert "hunter2" not in fault
