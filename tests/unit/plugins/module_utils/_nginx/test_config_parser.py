# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's configuration is read as nginx reads it."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import config_parser
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.config_parser import ConfError


def _shape(directives) -> list:
    """Return directives as lists of words, each followed by what is in its braces, if anything is."""
    return [[each.name, *each.arguments, *([_shape(each.block)] if each.block else [])] for each in directives]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("", []),
        ("a;b  c;", [["a"], ["b", "c"]]),
        ("a { b { c d; } } e;", [["a", [["b", [["c", "d"]]]]], ["e"]]),
        ("# a { ' \na#b; # c", [["a#b"]]),
        ("a 'b; } #' \"c \\\" '{\";", [["a", "b; } #", "c \" '{"]]),
        (r"a b\;c \{ 'd\'e' \.\t;", [["a", r"b\;c", r"\{", "d'e", "\\.\t"]]),
        ("a ${b}c$d {e;}", [["a", "${b}c$d", [["e"]]]]),
        ("a b{c;}", [["a", "b", [["c"]]]]),
        ("if ($a = '}') { b; }", [["if", "($a", "=", "}", ")", [["b"]]]]),
        ('a it\'s "b\nc";', [["a", "it's", "b\nc"]]),
        ("location ~ ^/[a-z]{2}$ {}", None),
        ('location ~ "^/[a-z]{2}$" {}', [["location", "~", "^/[a-z]{2}$"]]),
        ("a\u00a0b c\u0665;", [["a\u00a0b", "c\u0665"]]),
        (
            "x { content_by_lua_block {\n a = {'}'} -- don't }\n --[[ } ]] b = [=[ } ]=] \"}\"\n} } y;",
            [["x", [["content_by_lua_block"]]], ["y"]],
        ),
        ("a", None),
        ("a {", None),
        ("a; }", None),
        ("a b }", None),
        ("; a", None),
        ("{ a; }", None),
        ("a 'b;", None),
        ('a "b"c;', None),
        ("a \\", None),
    ],
)
def test_words_and_blocks(text, shape):
    if shape is None:
        with pytest.raises(ConfError, match=r"^it:1: "):
            config_parser.parse(text, "it")
    else:
        assert _shape(config_parser.parse(text)) == shape


def test_a_directive_says_where_it_begins():
    text = "# one\nhttp {\n  server {\n    server_name\n a\n b;\n  x_by_lua_block {\n\n}\n c; }\n}"
    (server,) = config_parser.blocks(config_parser.parse(text, "it"), "http")
    assert [each.where for each in (server, *server.block)] == ["it:3", "it:4", "it:7", "it:10"]


def test_includes_are_followed(tmp_path, write):
    write(
        tmp_path,
        {
            "nginx.conf": f"include modules/*; http {{ server {{ include 'in*/a'; }} include {tmp_path}/conf.d/*.conf; }}",
            "modules/one": "user one;",
            "inside/a": "listen 81;",
            "conf.d/b.conf": "server { listen 82; } include ./more;",
            "conf.d/a.conf": "upstream a {}",
            "conf.d/.c.conf": "nothing;",
            "conf.d/d.conf": "not nginx's } at all",
            "conf.d/e": "nothing;",
            "more": "server { listen 83; include more; }",
        },
    )
    (tmp_path / "conf.d/z.conf").symlink_to("../nowhere")
    conf = config_parser.load(str(tmp_path))
    http = config_parser.blocks(conf, "http")
    assert [each.arguments for each in config_parser.inside(conf, "user")] == [["one"]]
    assert [list(config_parser.listens(each)) for each in config_parser.inside(http, "server")] == [
        *(["0.0.0.0:81"], ["0.0.0.0:82"], ["0.0.0.0:83"]),
    ]
    assert list(config_parser.inside(http, "nothing")) == []
    (tmp_path / "conf.d/y.conf").symlink_to("../more")
    rest = config_parser.blocks(config_parser.load(str(tmp_path), [str(tmp_path / "more")]), "http")
    assert len(list(config_parser.inside(rest, "server"))) == 2


@pytest.mark.parametrize("text", [None, "http { 'open"])
def test_where_there_is_no_tree_or_none_that_can_be_read(tmp_path, text):
    if text:
        (tmp_path / "nginx.conf").write_text(text)
    assert config_parser.load(str(tmp_path)) == []


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("", "0.0.0.0:80"),
        ("listen 8080;", "0.0.0.0:8080"),
        ("listen *:81 ssl;", "0.0.0.0:81"),
        ("listen *;", "0.0.0.0:80"),
        ("listen 10.0.0.1;", "10.0.0.1:80"),
        ("listen 0.0.0.0:080;", "0.0.0.0:80"),
        ("listen [::]:443;", "[::]:443"),
        ("listen [0:0::0];", "[::]:80"),
        ("listen localhost:80;", None),
        ("listen unix:/run/a:80;", None),
        ("listen 8000-8010;", None),
        ("listen 53 udp;", None),
        ("listen 443 quic;", None),
    ],
)
def test_addresses(listen, address):
    (server,) = config_parser.parse(f"server {{ {listen} }}")
    assert list(config_parser.listens(server)) == ([address] if address else [])
