# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which headers a site may add, and how nginx writes their values."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import header_rules

ROLE = pathlib.Path(__file__).parents[5] / "roles/nginx_site/meta/argument_specs.yml"
BOTH = [header_rules.request_fault, header_rules.response_fault]


@pytest.mark.parametrize("fault", BOTH)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Frame-Options", "DENY"),
        ("SCRIPT_NAME", "/shop"),
        ("P3P", 'CP="ALL DSP"'),
        ("X-Empty", ""),
        ("X-Any", " !\"#%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        ("X-All", " ".join(f"${name} ${{{name}}}" for name in header_rules.VARIABLES)),
    ],
)
def test_all_is_well(fault, name, value):
    assert fault(name, value) is None


@pytest.mark.parametrize("fault", BOTH)
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        *(
            (name, "x", f"has the header {name!r}, but")
            for name in ("", "-X", "X Y", "X:", "X;", "$host", "X\n", "Ü", 7, None)
        ),
        *(
            (name, "x", f"has the header {name}, but that one stays")
            for name in ("Connection", "upgrade", "Transfer-Encoding", "CONTENT-LENGTH", "Keep-Alive", "TE", "Trailer")
        ),
        *(("X-A", value, f"has {value!r} for X-A, but a header holds text") for value in (1, True, None, ["a"])),
        *(("X-A", f"a{bad}b", f"has {bad!r} in X-A, but") for bad in ("\n", "\r", "\0", "\t", "\x7f", "ü", "\u2028")),
        *(
            ("X-A", f"a {bad}", f"has {bad!r} in X-A, but of nginx's variables")
            for bad in (
                "$uri",
                "$document_uri",
                "${arg_x}",
                "$args",
                "$1",
                "$hostx",
                "$http_x",
                "$remote_user",
                "$",
                "${}",
            )
        ),
        ("X-A", "a" * 4000, "has 4000 characters for X-A, but nginx can read at most some 4000: shorten it"),
        ("X-A", "\\" * 2500, "has 2500 characters for X-A, but"),
        ("X-A", "$host $$", "has '$' in X-A, but"),
        ("X-A", "${host", "has '$' in X-A, but"),
    ],
)
def test_refused(fault, name, value, said):
    assert fault(name, value).startswith(said)


@pytest.mark.parametrize("name", ["Set-Cookie", "Vary", "content-type", "Location"])
def test_what_belongs_to_the_response_is_refused_there_alone(name):
    assert "stays as nginx and the app write it" in header_rules.response_fault(name, "x")
    assert header_rules.request_fault(name, "x") is None


def test_origins_have_a_variable_of_their_own():
    assert "nginx_site_cors_origins" in header_rules.response_fault("access-control-allow-ORIGIN", "*")


def test_the_variables_are_documented():
    options = yaml.safe_load(ROLE.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    text = " ".join(options["nginx_site_headers"]["description"])
    assert [name for name in header_rules.VARIABLES if f"C(${name})" not in text] == []


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("", '""'),
        ("$host", "$host"),
        ("text/html", "text/html"),
        ("a b", '"a b"'),
        ("default-src 'self'", "\"default-src 'self'\""),
        ('CP="A"', "'CP=\"A\"'"),
        ("\"'", '"\\"\'"'),
        ("\\", '"\\\\"'),
    ],
)
def test_a_value_as_nginx_writes_it(value, word):
    assert header_rules.quoted(value) == word
