# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs, and the secrets that people put into them. Private to the collection."""

from __future__ import annotations

import re
import urllib.parse

# ssh://host/path, or host:path with or without a user; see git-fetch(1).
_BY_SSH = re.compile(r"(?:git\+)?ssh(?:\+git)?://|[^/:]+:(?!//)")


def is_http(text: str) -> bool:
    """Return whether this is a URL of the web."""
    return re.match(r"https?://", text, re.IGNORECASE) is not None


def by_ssh(url: str) -> bool:
    """Return whether git goes through ssh for this URL."""
    return _BY_SSH.match(url) is not None


def without_credentials(text: str) -> str:
    """Return a text with the user and password taken out of every URL in it."""
    return re.sub(r"(\w+://)[^/\s]+@", r"\1", text)


def without_secrets(text: str) -> str:
    """Return a text for people: no credentials in any URL in it, and no query, where tokens are."""
    return re.sub(r"(\w+://[^\s'\"?]*)\?[^\s'\"]*", r"\1", without_credentials(text))


def has_credentials(text: str) -> bool:
    """Return whether a URL in a text has a password, or a user of the web, who may be a token."""
    return re.search(r"https?://[^/\s]*@|://[^/\s]*:[^/\s]*@", text, re.IGNORECASE) is not None


def is_unclear(url: str) -> bool:
    """Return whether a URL has an @ behind what ends its host: it may be a password with such a character in it."""
    return re.search(r"://[^/?#\s]*[/?#\s].*@", url, re.DOTALL) is not None


def shown(url: str) -> str:
    """Return what of a URL may be shown: no credentials, and no query, where tokens are."""
    return without_credentials(url).partition("?")[0]


def credentials(url: str) -> tuple[str | None, str]:
    """Return the user of a URL, None where it has none, and the password."""
    before, at, _host = urllib.parse.urlsplit(url).netloc.rpartition("@")
    user, _colon, password = before.partition(":")
    return (urllib.parse.unquote(user), urllib.parse.unquote(password)) if at else (None, "")
