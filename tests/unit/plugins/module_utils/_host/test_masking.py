# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app says has no value of its environment."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host.masking import without_values


def test_values_of_the_environment_are_named_and_not_told():
    env = {
        "SECRET_KEY": "abcdefgh",
        "DATABASE_URL": "postgres://shop:pw1@db/shop",
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "SHORT": "yes",
    }
    said = "yes: no shop.settings with abcdefgh at postgres://shop:pw1@db/shop, password pw1"
    assert without_values(said, env) == "yes: no shop.settings with $SECRET_KEY at $DATABASE_URL, password (hidden)"


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("DB_PASSWORD", "hunt", True),
        ("PGPASSWORD", "abc.def/g", True),
        ("api_key", "k3y5", True),
        ("SORT_KEY", "name", False),
        ("SECRET_KEY", "hunt", True),
        ("TOKENS_2", "a-b.c", True),
        ("DB_PASSWORD", "abc", False),
        ("DB_HOST", "hunt", False),
        ("DB_PASSWORD_FILE", "hunt", False),
        ("PASSWORD_RESET_TIMEOUT", "3600", False),
        ("CACHE_KEY_PREFIX", "hunt", False),
        ("KEYCLOAK_REALM", "hunt", False),
        ("DB_SECRET", "/run/secrets/db", False),
        ("USE_TOKEN", "True", False),
        ("PGDATABASE", "guestbook", False),
        ("DB_USER", "guest_book-1", False),
        ("DB_USER", "Guest:book", True),
        ("GREETING", "guestbook", True),
    ],
)
def test_what_is_called_a_secret_is_hidden_though_it_is_short_or_plain(name, value, hidden):
    shown = f"${name}" if hidden else value
    assert without_values(f"no {value}: '{value}', x{value}", {name: value}) == (
        f"no {shown}: '{shown}', " + (f"x{shown}" if len(value) >= 8 else f"x{value}")
    )


def test_what_pydantic_was_given_is_not_told():
    said = "  Field required [type=missing, input_value={'api_key': 'hunter2hu...2hunter2'}, input_type=dict]"
    assert (
        without_values(said, {"API_KEY": "hunter2" * 9})
        == "  Field required [type=missing, input_value=(hidden), input_type=dict]"
    )
