# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a URL is secret."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._text import urls


@pytest.mark.parametrize(
    ("url", "user", "password", "shown"),
    [
        ("https://example.com/a", None, "", "https://example.com/a"),
        ("https://token@example.com/a", "token", "", "https://example.com/a"),
        ("https://me:secret@example.com:8443/a?b=c", "me", "secret", "https://example.com:8443/a"),
        ("https://me:s%3Acr%40t@example.com/a", "me", "s:cr@t", "https://example.com/a"),
        ("https://me:s@cret:x@example.com/a", "me", "s@cret:x", "https://example.com/a"),
        ("https://example.com/a@b", None, "", "https://example.com/a@b"),
    ],
)
def test_credentials(url, user, password, shown):
    assert urls.credentials(url) == (user, password)
    assert urls.shown(url) == shown


def test_a_text_keeps_no_credentials():
    text = "fatal: 'https://me:secret@example.com/a' and ssh://git@example.com/b"
    assert urls.without_credentials(text) == "fatal: 'https://example.com/a' and ssh://example.com/b"


def test_a_text_for_people_keeps_no_query_either():
    text = "fatal: 'https://me:secret@example.com/a?private_token=planted' and http://a/b?c (why?)"
    assert urls.without_secrets(text) == "fatal: 'https://example.com/a' and http://a/b (why?)"


@pytest.mark.parametrize(
    ("text", "truth"),
    [("http://a/b", True), ("HTTPS://a/b", True), ("ssh://a/b", False), ("../a.tar", False), ("/http://a", False)],
)
def test_what_is_a_url_of_the_web(text, truth):
    assert urls.is_http(text) is truth


@pytest.mark.parametrize(
    ("url", "through"),
    [
        ("ssh://git@example.com/shop.git", True),
        ("git@example.com:shop.git", True),
        ("example.com:shop.git", True),
        ("https://example.com/shop.git", False),
        ("https://example.com:8443/shop.git", False),
        ("git://example.com/shop.git", False),
        ("/opt/shop.git", False),
        ("/opt/a:b.git", False),
        ("file:///opt/shop.git", False),
    ],
)
def test_what_goes_through_ssh(url, through):
    assert urls.by_ssh(url) is through
