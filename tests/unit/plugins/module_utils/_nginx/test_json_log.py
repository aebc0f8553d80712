# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a request is written into a log that is JSON."""

from __future__ import annotations

import re

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import json_log
from hypothesis import example, given
from hypothesis import strategies as st


@given(st.one_of(st.binary(), st.text().map(str.encode)))
@example(b"\xc0\xaf")
@example(b"\xed\xa0\x80")
@example(b"\xf4\x90\x80\x80")
@example("\U0010ffff\u20ac\u00e9".encode())
@example(b"a" * 8000 + b"\xff")
def test_utf8_is_what_python_takes_for_it(sent):
    try:
        sent.decode()
    except UnicodeDecodeError:
        expected = False
    else:
        expected = True
    assert bool(re.fullmatch(json_log._UTF8.encode(), sent)) == expected


@pytest.mark.parametrize("field", ["host", "uri", "referer", "agent"])
def test_what_a_client_sends_is_looked_at_first(field):
    *maps, log_format = json_log.directives("gunicorn_shop")
    assert f'"{field}":"$gunicorn_shop_log_{field}"' in log_format
    (looked_at,) = (each for each in maps if f"$gunicorn_shop_log_{field} " in each)
    assert 'default "(not UTF-8)";' in looked_at
