# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site of an app, read as nginx reads it."""

from __future__ import annotations

import dataclasses
import re

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._module import site_rules
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import config_parser
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.sites import Site, Tls
from hypothesis import strategies

NAMES = ["shop.example.com", "*.shop.example.com"]
TLS = Tls(certificate="/etc/ssl/a.pem", key="/etc/ssl/a.key", digest="0a" * 32, http2=True)
P3P = 'CP="ALL DSP COR PSAa PSDa OUR NOR ONL UNI COM NAV"'


def _site(app="shop", **fields) -> Site:
    return Site(
        **{
            **{"app": app, "folder": f"/srv/{app}", "address": None, "ipv6": False, "server_names": []},
            **{"client_max_body_size": "10m", "location": "/", "root": None, "index": ["index.html"]},
            **{"headers": {}, "proxy_headers": {}, "cors_origins": []},
            **fields,
        }
    )


def _directives(text: str) -> list[tuple[list[str], list | None]]:
    """Return nginx's directives: the words of each, and the directives in its block."""
    tokens = iter(re.findall(r"""#.*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{};]|[^\s;{"'#][^\s;{]*""", text))

    def word(token):
        if token[0] in "\"'":
            token = re.sub(r"""\\(["'\\])""", r"\1", token[1:-1])
        return token

    def block():
        found, words = [], []
        for token in tokens:
            if token == "}":
                break
            if token in "{;":
                found.append((words, block() if token == "{" else None))
                words = []
            elif token[0] != "#":
                words.append(word(token))
        return found

    return block()


def _blocks(directives, head: str) -> list[list]:
    return [inner for words, inner in directives if inner is not None and " ".join(words) == head]


def _values(directives, name: str) -> list[list[str]]:
    return [words[1:] for words, inner in directives if inner is None and words[0] == name]


def _locations(directives, inherited=()) -> dict[str, list[list[str]]]:
    """Return what each location adds to its responses: its own headers or, where it has none, those around it."""
    found = {}
    for words, inner in directives:
        if inner is not None and words[0] == "location":
            added = _values(inner, "add_header") or list(inherited)
            found[" ".join(words[1:])] = added
            found.update(_locations(inner, added))
    return found


def _server(site: Site) -> list:
    """Return the one that serves: one with TLS comes after one that redirects."""
    *redirects, server = _blocks(_directives(site.text()), "server")
    assert len(redirects) == bool(site.tls)
    return server


def _proxy(site: Site) -> list:
    """Return what says how the app is asked; where that is done has nothing of it, and so whatever is around it."""
    server = _server(site)
    assert _blocks(server, "location @app") == [[(["proxy_pass", "http://gunicorn_shop"], None)]]
    return server


@pytest.mark.parametrize(
    ("site", "lines", "not_lines"),
    [
        pytest.param(
            _site(), ["listen 80 default_server;", "server_name _;", "client_max_body_size 10m;", "location / {"],
            ["listen [::]:80 default_server;", "root /var/www/html;", "index index.html;", "return 444;"], id="default",
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
            _site(address="127.0.0.1:9999"), ["server 127.0.0.1:9999;"], ["server unix:/srv/shop/current/app.sock;"],
            id="the address of its app",
        ),
        pytest.param(
            _site(),
            [f'proxy_set_header {name} "";' for name in ("X-Forwarded-Host", "Forwarded", "Proxy", "SCRIPT_NAME")]
            + [f"proxy_set_header {line};" for line in ("Host $host", "X-Forwarded-For $remote_addr")], [],
            id="no client chooses what the app trusts",
        ),
        pytest.param(
            _site(
                address="127.0.0.1:9999", ipv6=True, root="/var/www/html",
                index=["index.html", "index.htm", "index.nginx-debian.html"], headers={"P3P": P3P}, cors_origins=["*"],
                proxy_headers={"X-Forwarded-Host": "$server_name", "X-Real-IP": "$remote_addr"},
            ),
            [
                *("listen 80 default_server;", "listen [::]:80 default_server;", "server_name _;"),
                *("root /var/www/html;", "index index.html index.htm index.nginx-debian.html;", "location / {"),
                *("proxy_set_header X-Forwarded-Host $server_name;", "proxy_set_header X-Real-IP $remote_addr;"),
                *("server 127.0.0.1:9999;", f"add_header P3P '{P3P}' always;"),
                "add_header Access-Control-Allow-Origin * always;",
            ],
            ['proxy_set_header X-Forwarded-Host "";'], id="as the guides have it",
        ),
        pytest.param(
            _site(tls=TLS, ipv6=True),
            [
                *("listen 80 default_server;", "listen [::]:80 default_server;", "http2 on;"),
                *("listen 443 ssl default_server;", "listen [::]:443 ssl default_server;"),
                *("ssl_certificate /etc/ssl/a.pem;", "ssl_certificate_key /etc/ssl/a.key;", f"# SHA-256 {TLS.digest}"),
                *("ssl_protocols TLSv1.2 TLSv1.3;", "ssl_session_tickets off;"),
            ],
            ["listen 443 ssl http2 default_server;"], id="TLS",
        ),
        pytest.param(
            _site(tls=dataclasses.replace(TLS, http2=False), server_names=NAMES, ipv6=True),
            ["listen 80;", "listen [::]:80;", "listen 443 ssl http2;", "listen [::]:443 ssl http2;"],
            ["http2 on;", "listen 443 ssl;"], id="TLS as nginx spoke HTTP/2 before 1.25.1",
        ),
    ],
)  # fmt: skip
def test_a_site_says(site, lines, not_lines):
    text = [line.strip() for line in site.text().splitlines()]
    assert [line for line in lines if line not in text] == []
    assert [line for line in not_lines if line in text] == []


@pytest.mark.parametrize("names", [[], NAMES])
def test_a_site_is_whole_and_shares_no_name_with_another(names):
    # Also where the name of one app begins as that of the other.
    texts = [_site(app, server_names=names, cors_origins=["https://a.de"]).text() for app in ("shop", "shop_cache")]
    for text in texts:
        assert text.count("{") == text.count("}")
    # What nginx knows by name for all sites alike.
    shop, other = (set(re.findall(r"^(?:upstream|map \S+) (\S+)", text, re.MULTILINE)) for text in texts)
    assert len(shop) == len(other) == 4 + bool(names)
    assert not shop & other


def test_a_site_with_names_closes_requests_for_others():
    (names,) = _blocks(_directives(_site(server_names=NAMES).text()), "map $host $gunicorn_shop_stranger")
    assert [words for words, inner in names] == [["hostnames"], ["default", "1"], *([name, "0"] for name in NAMES)]
    (guard,) = _blocks(_server(_site(server_names=NAMES)), "if ($gunicorn_shop_stranger)")
    assert _values(guard, "return") == [["444"]]


def test_no_server_waits_for_long_for_who_sends_nothing():
    # Of its own names, by plain HTTP and TLS, and by the host's address; of other names, the same.
    site = _site(server_names=NAMES, tls=TLS, redirects={"a.de": "b.de"}, health={"path": "/healthz", "host": "b.de"})
    servers = _blocks(_directives(site.text()), "server")
    assert len(servers) == 5
    patience = {"client_header_timeout": "15s", "client_body_timeout": "30s", "send_timeout": "30s"}
    patience["reset_timedout_connection"] = "on"
    for server in servers:
        assert {name: _values(server, name) for name in patience} == {name: [[one]] for name, one in patience.items()}


@pytest.mark.parametrize("names", [[], NAMES])
def test_with_tls_plain_http_leads_there_and_nowhere_else(names):
    headers = {"X-Frame-Options": "DENY", "strict-transport-security": "max-age=600"}
    site = _site(tls=TLS, server_names=names, headers=headers)
    redirect, server = _blocks(_directives(site.text()), "server")
    assert _values(_blocks(redirect, "location /")[0], "return") == [["301", "https://$host$request_uri"]]
    assert _values(redirect, "add_header") == [["X-Frame-Options", "DENY", "always"]]
    assert _values(server, "add_header") == [[*header, "always"] for header in headers.items()]
    assert _values(redirect, "server_name") == _values(server, "server_name") == [names or ["_"]]
    # Names that are nobody's go before they are redirected.
    heads = [" ".join(words) for words, _inner in redirect if words[0] in ("if", "return")]
    assert heads == ["if ($gunicorn_shop_stranger)"] * bool(names)
    assert [" ".join(words) for words, _inner in server].count("if ($gunicorn_shop_stranger)") == bool(names)


def test_a_renewed_certificate_is_another_site():
    assert _site(tls=TLS).text() != _site(tls=dataclasses.replace(TLS, digest="0b" * 32)).text()


@pytest.mark.parametrize(
    ("fields", "fallbacks"),
    [
        ({}, {"/": "@static"}),
        ({"root": "/var/www/html"}, {"/": "@static"}),
        ({"location": "/shop/"}, {"/": "@outside", "/shop/": "@static", "@outside": "=404"}),
        ({"location": "/a/b/", "root": "/var/www/html"}, {"/": "@outside", "/a/b/": "@static", "@outside": "@rest"}),
    ],
)
def test_a_file_is_looked_for_in_the_assets_then_in_the_release_then_elsewhere(fields, fallbacks):
    server = _server(_site(**fields))
    outer = dict.fromkeys(["/", "@static", "@outside"])
    found = {name: inner for name in outer for inner in _blocks(server, f"location {name}")}
    found.update({words[1]: inner for words, inner in found["/"] if words[0] == "location"})
    assert {path: _values(inner, "try_files") for path, inner in found.items()} == {
        path: [["$uri", fallback]] for path, fallback in {**fallbacks, "@static": "@app"}.items()
    }
    # The location inside takes the folder from the one around it.
    release = [["/srv/shop/current/static"]]
    roots = {"/": [["/srv/shop/assets"]], "@static": release, "@outside": release}
    assert {path: _values(inner, "root") for path, inner in found.items()} == {
        path: roots.get(path, []) for path in found
    }
    assert ("@rest" in _locations(server)) == ("@rest" in fallbacks.values())


def test_what_never_changes_is_kept_by_browsers_and_the_rest_is_asked_for_again():
    server = _server(_site())
    kept = {name: _locations(server)[name][0] for name in ("/", "@static")}
    assert kept == {
        "/": ["Cache-Control", "public, max-age=31536000, immutable"],
        "@static": ["Cache-Control", "public, max-age=0, must-revalidate"],
    }


def test_brotli_is_said_where_nginx_has_it_of_what_is_made_and_of_what_lies_there():
    server, plain = (_server(_site(brotli=has)) for has in (True, False))
    assert _values(server, "brotli") == [["on"]]
    assert _values(server, "brotli_types") == _values(server, "gzip_types")
    for name in ("location /", "location @static"):
        assert [_values(_blocks(each, name)[0], "brotli_static") for each in (server, plain)] == [[["on"]], []]
    assert "brotli" not in str(plain)


def test_types_that_the_host_lacks_are_added_to_its_own():
    (static,) = _blocks(_server(_site(types={"mjs": "text/javascript"})), "location @static")
    assert _values(static, "include") == [["mime.types"]]
    assert _blocks(static, "types") == [[(["text/javascript", "mjs"], None)]]
    (static,) = _blocks(_server(_site()), "location @static")
    assert _values(static, "include") == _blocks(static, "types") == []


def test_the_name_of_the_folder_leads_into_it():
    (redirect,) = _blocks(_server(_site(location="/a/shop/")), "location = /a/shop")
    assert _values(redirect, "return") == [["301", "/a/shop/$is_args$args"]]


@pytest.mark.parametrize(
    ("fields", "added"),
    [
        ({"headers": {"X-Frame-Options": "DENY"}}, [["X-Frame-Options", "DENY", "always"]]),
        ({"headers": {"X-Powered-By": ""}}, []),
        ({"cors_origins": ["*"]}, [["Access-Control-Allow-Origin", "*", "always"]]),
        (
            {"cors_origins": ["https://app.example.com"]},
            [["Access-Control-Allow-Origin", "$gunicorn_shop_origin", "always"], ["Vary", "Origin", "always"]],
        ),
    ],
)
@pytest.mark.parametrize("where", [{}, {"location": "/shop/"}, {"location": "/shop/", "root": "/var/www"}])
def test_headers_are_on_every_response_and_once(fields, added, where):
    site = _site(**fields, **where)
    server = _server(site)
    own = ("Cache-Control", "X-Content-Type-Options", "Retry-After")
    assert {
        path: [each for each in its if each[0] not in own]
        for path, its in _locations(server, _values(server, "add_header")).items()
    } == dict.fromkeys(_locations(server), added)
    hidden = [*fields.get("headers", {}), *["Access-Control-Allow-Origin"] * ("cors_origins" in fields)]
    assert _values(_proxy(site), "proxy_hide_header") == [[name] for name in hidden]


@pytest.mark.parametrize("value", ["no-store", ""])
def test_a_given_header_takes_the_place_of_the_sites_own(value):
    site = _site(headers={"cache-control": value})
    added = [words for words in _locations(_server(site))["/"] if words[0].lower() == "cache-control"]
    assert added == ([["cache-control", value, "always"]] if value else [])


def test_an_origin_is_compared_whole():
    origins = ["https://my-app.example.com", "http://[::1]:3000"]
    (cases,) = _blocks(_directives(_site(cors_origins=origins).text()), "map $http_origin $gunicorn_shop_origin")
    patterns = [words[0] for words, inner in cases]
    assert [words[1:] for words, inner in cases] == [["$http_origin"]] * len(origins)
    for sent, taken in (
        *((origin, True) for origin in origins),
        *((f"{origin}{more}", False) for origin in origins for more in (":80", "0", "/", ".evil.com")),
        *(("https://my-app-example.com", False), ("xhttps://my-app.example.com", False), ("", False)),
    ):
        assert any(re.search(pattern[1:], sent) for pattern in patterns) is taken, sent


def test_a_request_header_is_set_once_whatever_its_case():
    headers = {"x-real-ip": "$http_x_real_ip", "SCRIPT_NAME": "/shop", "X-Request-ID": "", "X-More": "1"}
    plain, given = (dict(_values(_proxy(_site(proxy_headers=each)), "proxy_set_header")) for each in ({}, headers))
    changed = {"X-Real-IP": "$http_x_real_ip", "SCRIPT_NAME": "/shop", "X-Request-ID": "", "X-More": "1"}
    assert given == {**plain, **changed}


def test_a_websocket_is_the_only_upgrade():
    site = _site(proxy_headers={"X-More": "1"})
    maps = {
        name: _blocks(_directives(site.text()), f"map $http_upgrade $gunicorn_shop_{name}")
        for name in ("upgrade", "connection")
    }
    assert maps == {
        "upgrade": [[(["websocket", "websocket"], None)]],
        "connection": [[(["default", "close"], None), (["websocket", "upgrade"], None)]],
    }
    sent = dict(_values(_proxy(site), "proxy_set_header"))
    assert (sent["Upgrade"], sent["Connection"]) == ("$gunicorn_shop_upgrade", "$gunicorn_shop_connection")


@pytest.mark.parametrize(
    "value",
    [
        P3P,
        "a",
        "a b",
        "a;b",
        "} server {",
        "# no comment",
        "it's",
        '"',
        "'",
        "\\",
        "a\\\"b'c\\",
        "\\n",
        "${host}:1",
        "*",
        "~x",
    ],
)
def test_a_value_is_one_word_to_nginx(value):
    site = _site(headers={"X-A": value}, proxy_headers={"X-A": value})
    assert _values(_server(site), "add_header") == [["X-A", value, "always"]]
    assert _values(_proxy(site), "proxy_set_header").count(["X-A", value]) == 1
    assert len(_directives(site.text())) == len(_directives(_site().text()))


# What nginx's syntax is made of, and what somebody would hide it behind.
_BAD = strategies.text("ab.1-/~*:;{}$\"'\\# \n\t\r\u0661\u00a0\u017f", max_size=6)


def _near(*good: str):
    """Return good values, and those that begin well."""
    begun = strategies.sampled_from(good)
    return begun | strategies.tuples(begun, _BAD).map("".join)


_HEADERS = strategies.dictionaries(_near("X-A", "Host", "Cache-Control"), _near("", "$host", "a;b"), max_size=3)
_FIELDS = {
    "server_names": strategies.lists(_near("a.de", "*.b.de"), max_size=3),
    "client_max_body_size": _near("1", "10m"),
    "location": _near("/", "/a/"),
    "root": _near("/a", "/srv/b"),
    "index": strategies.lists(_near("index.html", "a"), max_size=2),
    "headers": _HEADERS,
    "proxy_headers": _HEADERS,
    "cors_origins": strategies.lists(_near("https://a.de", "*"), max_size=2),
    "tls": strategies.fixed_dictionaries({"certificate": _near("/a.pem"), "key": _near("/b", "/etc/c.key")}),
}
# In what the parts of a dictionary are written, where they are not their own names.
_WRITTEN = {"certificate": "ssl_certificate", "key": "ssl_certificate_key"}


def _shape(directives) -> list:
    """Return how many words each directive has, and what is in its block, but not what they say."""
    return [(len(each.arguments), _shape(each.block)) for each in directives]


def _parsed(site: Site) -> list:
    return config_parser.parse(site.text())


@pytest.mark.parametrize("field", _FIELDS)
def test_no_value_that_passes_the_checks_becomes_syntax(field, whatever_passes):
    def looks_like_a_plain_one(value):
        site, plain = (
            _site(**{"root": "/srv/www", field: _given(field, each)}) for each in (value, _plain(field, value))
        )
        assert _shape(_parsed(site)) == _shape(_parsed(plain))
        for name, text in value.items() if isinstance(value, dict) else ():
            *_redirect, server = config_parser.inside(_parsed(site), "server")
            words = [[each.name, *each.arguments] for each in [*server.block, *server.block[-1].block]]
            written = [pair for each in words for pair in (each[:2], each[1:3])]
            assert not text or [_WRITTEN.get(name, name), text] in written

    whatever_passes(f"nginx_site_{field}", _FIELDS[field], looks_like_a_plain_one)


def _given(field: str, value):
    return dataclasses.replace(TLS, **value) if field == "tls" else value


def _plain(field: str, value):
    if isinstance(value, dict):
        return {name: text and "plain" for name, text in value.items()}
    if isinstance(value, list):
        return value if "*" in value else [f"plain{number}" for number in range(len(value))]
    return "/" if value == "/" else f"/{field}/"


def test_other_names_lead_to_the_one_that_is_theirs():
    names = {"www.example.com": "example.com", "old.example.org": "example.com", "docs.example.com": "docs.example.org"}
    servers = _blocks(_directives(_site(server_names=["example.com"], redirects=names).text()), "server")[1:]
    found = [(each, _values(_blocks(each, "location /")[0], "return")) for each in servers]
    assert [(_values(each, "server_name"), to, _values(each, "listen")) for each, to in found] == [
        ([["docs.example.com"]], [["301", "$scheme://docs.example.org$request_uri"]], [["80"]]),
        ([["old.example.org", "www.example.com"]], [["301", "$scheme://example.com$request_uri"]], [["80"]]),
    ]
    servers = _blocks(_directives(_site(server_names=["b.de"], redirects={"a.de": "b.de"}, tls=TLS).text()), "server")[
        2:
    ]
    assert [_values(each, "listen") for each in servers] == [[["80"]], [["443", "ssl"]]]
    plain, secure = servers
    to = [["301", "https://b.de$request_uri"]]
    assert _values(_blocks(plain, "location /")[0], "return") == _values(secure, "return") == to
    assert _values(servers[1], "ssl_certificate") == [[TLS.certificate]]


def test_browsers_insist_on_tls_for_the_other_names_too():
    site = _site(server_names=["b.de"], redirects={"a.de": "b.de"}, tls=TLS, hsts={"max_age": 300})
    plain, secure = (
        each for each in _blocks(_directives(site.text()), "server") if ["a.de"] in _values(each, "server_name")
    )
    assert _values(secure, "add_header") == [["Strict-Transport-Security", "max-age=300", "always"]]
    assert _values(plain, "add_header") == []


@pytest.mark.parametrize(
    ("hsts", "value"),
    [
        ({"max_age": 300}, "max-age=300"),
        ({"max_age": 300, "subdomains": True, "preload": False}, "max-age=300; includeSubDomains"),
        ({"max_age": 31536000, "subdomains": True, "preload": True}, "max-age=31536000; includeSubDomains; preload"),
    ],
)
def test_hsts_is_on_every_answer_over_tls_and_on_no_other(hsts, value):
    site = _site(tls=TLS, hsts=hsts)
    plain, secure = _blocks(_directives(site.text()), "server")
    name = "Strict-Transport-Security"
    assert all([name, value, "always"] in added for added in _locations(secure, _values(secure, "add_header")).values())
    assert name not in str(plain)
    assert [name] in _values(_proxy(site), "proxy_hide_header")


def test_only_a_trusted_proxy_says_who_the_visitor_is():
    site = _site(trusted_proxies=["10.0.0.0/8", "2001:db8::1"])
    directives = _directives(site.text())
    (trusted,) = _blocks(directives, "geo $realip_remote_addr $gunicorn_shop_trusted")
    assert [words for words, _inner in trusted] == [["default", "0"], ["10.0.0.0/8", "1"], ["2001:db8::1", "1"]]
    (scheme,) = _blocks(directives, "map $gunicorn_shop_trusted:$http_x_forwarded_proto $gunicorn_shop_scheme")
    assert [words for words, _inner in scheme] == [["default", "$scheme"], ["1:https", "https"], ["1:http", "http"]]
    assert _values(_server(site), "set_real_ip_from") == [["10.0.0.0/8"], ["2001:db8::1"]]
    assert ["X-Forwarded-Proto", "$gunicorn_shop_scheme"] in _values(_proxy(site), "proxy_set_header")
    assert ["X-Forwarded-Proto", "$scheme"] in _values(_proxy(_site()), "proxy_set_header")


def test_what_one_address_may_ask():
    limits = [{"path": "/", "connections": 50}, {"path": "/login/", "rate": "10r/m", "burst": 5}]
    site = _site(limits=limits)
    text, server = site.text(), _server(site)
    assert "limit_req_zone $binary_remote_addr zone=gunicorn_shop_limit_1:1m rate=10r/m;" in text
    assert "limit_conn_zone $binary_remote_addr zone=gunicorn_shop_limit_0_connections:1m;" in text
    assert _values(server, "limit_conn") == [["gunicorn_shop_limit_0_connections", "50"]]
    (outer,) = _blocks(server, "location /")
    (login,) = _blocks(outer, "location /login/")
    assert _values(login, "limit_req") == [["zone=gunicorn_shop_limit_1", "burst=5", "nodelay"]]
    assert _values(login, "try_files") == [["$uri", "@static"]]

    below = _site(
        location="/shop/", limits=[{"path": "/shop/", "rate": "1r/s"}, {"path": "/shop/pay/", "rate": "1r/s"}]
    )
    (outer,) = _blocks(_server(below), "location /")
    (shop,) = _blocks(outer, "location /shop/")
    assert _values(shop, "limit_req") == [["zone=gunicorn_shop_limit_0", "burst=20", "nodelay"]]
    assert len(_blocks(shop, "location /shop/pay/")) == 1


def test_a_closed_site_lets_insiders_in_and_has_a_page_for_others(tmp_path):
    site = _site(folder=str(tmp_path), maintenance={"allow": ["192.0.2.1"], "retry_after": 60, "page": "<p>Later</p>"})
    (closed,) = _blocks(_server(site), "location = /gunicorn-shop-503.html")
    assert ["Retry-After", "60", "always"] in _values(closed, "add_header")
    assert site.pages()["gunicorn-shop-503.html"] == "<p>Later</p>"
    assert "gone" not in site.pages()["gunicorn-shop-502.html"]
    (insiders,) = _blocks(_directives(site.text()), "geo $gunicorn_shop_insider")
    assert [words for words, _inner in insiders] == [["default", "0"], ["192.0.2.1", "1"]]
    assert not site.edge.is_closed()
    site.edge.close(True)
    assert site.edge.is_closed()
    site.edge.close(False)
    site.edge.close(False)
    assert not site.edge.is_closed()


def test_the_users_own_text_and_log():
    site = _site(extra="location = /robots.txt { return 204; }\n", access_log={"path": "/var/log/nginx/shop.log"})
    server = _server(site)
    assert _values(_blocks(server, "location = /robots.txt")[0], "return") == [["204"]]
    assert _values(server, "access_log") == [["/var/log/nginx/shop.log", "gunicorn_shop"]]
    assert "log_format gunicorn_shop escape=json" in site.text()


def test_what_a_site_says_of_tls_is_said_by_no_text_of_the_users():
    directives = config_parser.parse("\n".join(_site()._speak_tls(TLS)))
    for name in {each.name for each in directives}:
        assert list(filter(None, site_rules.extra(f"{name} a;")))


def test_a_password_of_the_users_own_text_is_asked_for_by_no_page_and_for_no_ca():
    server = _server(_site(extra="auth_basic a; auth_basic_user_file /etc/nginx/a;"))
    for where in ("^~ /.well-known/acme-challenge/", "= /gunicorn-shop-503.html"):
        assert _values(_blocks(server, f"location {where}")[0], "auth_basic") == [["off"]]


@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
def test_what_ends_no_line_to_nginx_ends_none_of_the_users_text(end):
    directives = _parsed(_site(extra=f"# a{end}listen 81;{end}\nerror_log /b;"))
    (server,) = config_parser.inside(directives, "server")
    assert [each.arguments for each in config_parser.inside(server.block, "listen")] == [["80", "default_server"]]
    assert [each.arguments for each in config_parser.inside(server.block, "error_log")] == [["/b"]]


@pytest.mark.parametrize("tls", [None, TLS])
def test_what_a_ca_asks_for_is_answered_over_plain_http_and_led_nowhere(tls):
    site = _site(server_names=["b.de"], redirects={"a.de": "b.de"}, tls=tls)
    plain = [each for each in _blocks(_directives(site.text()), "server") if ["80"] in _values(each, "listen")]
    assert len(plain) == 2
    for server in plain:
        (asked,) = _blocks(server, "location ^~ /.well-known/acme-challenge/")
        assert _values(asked, "try_files") == [["$uri", "=404"]]
        assert _values(server, "return") == []
