# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app says, without the values of its environment, which may be secrets. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.pyweb.stack.plugins.module_utils._text import urls

# A value that looks so is the name of a module, a host, or a path, and one below this length is in too many words.
_PLAIN = re.compile(r"(?=.{1,40}$)[a-z0-9_-]*[./][a-z0-9._/-]*")
_SHORTEST = 8
# A variable that is called so has a secret, and one below this length would hide too much of what is told.
_SECRET = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|KEYS?(?![A-Z])", re.IGNORECASE)
_SHORTEST_SECRET = 4
# What is said about a secret is none, nor is one of these values, or the path of a file.
_ABOUT_ONE = re.compile(
    r"_(?:AGE|ALGORITHM|CLASS|COOKIE|DIR|FILE|HASHERS?|HEADER|ID|LENGTH|LIFETIME|NAME|PATH|PREFIX|SECONDS|TIMEOUT|TTL|TYPE|UR[IL])",
    re.IGNORECASE,
)
# A key by which something is sorted or found is a word, unlike one that opens something.
_WORD_KEY = re.compile(r"(?!.*SECRET).*KEYS?=[a-z]{1,7}", re.IGNORECASE)
_NO_SECRET = re.compile(r"true|false|none|null|/[a-z0-9._/-]*", re.IGNORECASE)
# One that is called so has the name of something, which messages are no use without.
_NAMES = re.compile(r"(?:DATABASE|DB|HOST|NAME|USER)$", re.IGNORECASE)
_NAME = re.compile(r"[a-z][a-z0-9_.-]*")


def without_values(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with the values of an environment taken out, by which an app may name its secrets as it fails."""
    values = {urls.credentials(value)[1]: "(hidden)" for value in variables.values() if urls.has_credentials(value)}
    values |= {value: f"${name}" for name, value in variables.items() if _is_hidden(name, value)}
    # pydantic shows what it was given, shortened, so that no value of it is found.
    text = re.sub(r"input_value=.*(?=, input_type=)", "input_value=(hidden)", text)
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORTEST or (value and values[value] == "(hidden)"):
            text = text.replace(value, values[value])
        elif value:
            # Within a longer word it is another one.
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", values[value], text)
    return text


def _is_hidden(name: str, value: str) -> bool:
    """Return whether a value of the environment may be a secret, by what it is and by its variable's name."""
    if _SECRET.search(name) and not _ABOUT_ONE.search(name) and not _NO_SECRET.fullmatch(value):
        if _WORD_KEY.fullmatch(f"{name}={value}"):
            return False
        return len(value) >= _SHORTEST_SECRET
    if _NAMES.search(name) and _NAME.fullmatch(value):
        return False
    return len(value) >= _SHORTEST and not _PLAIN.fullmatch(value)
