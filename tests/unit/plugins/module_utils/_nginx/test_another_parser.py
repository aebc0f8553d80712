# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's configuration is read as crossplane reads it, a parser that nginx's makers wrote."""

from __future__ import annotations

import crossplane
import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import config_parser
from hypothesis import given, settings
from hypothesis import strategies as some

# Where crossplane differs from nginx itself, nothing is compared: a backslash before what is no quote, a word that ends in
# ${...}, a brace alone in quotes.
_INNER = "abZ019$._/~^:*-+=()[]|,<>?!@&%'\"#\u00e9"
_WORDS = some.one_of(
    some.builds(str.__add__, some.sampled_from("abZ0/~^$*=.:\u00e9"), some.text(_INNER, max_size=8)),
    some.sampled_from(["${name}d", "a${b}c", "$1", "it's", "a#b"]),
)
_TEXTS = some.text(f"{_INNER};{{}} \n\t", max_size=12).filter(lambda text: text not in ("{", "}"))
_QUOTED = some.one_of(
    _TEXTS.map(lambda text: '"{}"'.format(text.replace('"', '\\"'))),
    _TEXTS.map(lambda text: "'{}'".format(text.replace("'", "\\'"))),
)
_GAPS = some.sampled_from([" ", "\n", "\t ", "\r\n", " # it's { a \"remark\n"])
_LINES = some.lists(
    some.tuples(_WORDS, some.lists(some.tuples(_GAPS, some.one_of(_WORDS, _QUOTED)), max_size=4)), max_size=3
)


def _written(directives, inner) -> str:
    """Return directives as text; the first of each list has the inner ones in its braces."""
    ends = [f" {{{inner}}}", *[";"] * len(directives)] if directives else []
    return "".join(
        name + "".join(gap + word for gap, word in words) + end + "\n"
        for (name, words), end in zip(directives, ends, strict=False)
    )


_CONFIGURATIONS = some.recursive(some.just(""), lambda inner: some.builds(_written, _LINES, inner), max_leaves=4)


def _ours(directives) -> list[str]:
    tokens = []
    for each in directives:
        tokens += [each.name, *each.arguments, *(["{", *_ours(each.block), "}"] if each.block else [";"])]
    return tokens


def _theirs(path) -> list[str]:
    """Return crossplane's tokens without comments, an empty block as the end of a directive, as ours has it."""
    found: list[tuple[str, bool]] = []
    for token, _line, quoted in crossplane.lex(str(path)):
        if token.startswith("#") and not quoted:
            continue
        if (token, quoted) == ("}", False) and found[-1] == ("{", False):
            found[-1] = (";", False)
        else:
            found.append((token, quoted))
    return [token for token, _quoted in found]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("nginx") / "nginx.conf"


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(text=_CONFIGURATIONS)
def test_the_tokens_are_the_same(file, text):
    file.write_text(text, encoding="utf-8", newline="")
    assert _ours(config_parser.parse(text)) == _theirs(file)
