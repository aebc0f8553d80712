# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module gunicorn_info from its options to its result, of apps that have no release yet."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._serving import info


@pytest.fixture
def apps(tmp_path, as_root, monkeypatch):
    """Make two apps, and return the folder they are in, which on a server would be another."""
    monkeypatch.setattr(variable_rules, "faults", lambda _variables: [])
    for name in ("blog", "shop"):
        with Store(str(tmp_path), name).locked("fetching its source"):
            pass
    return str(tmp_path)


def test_it_tells_of_all_apps_or_of_one(apps, play):
    assert [each["name"] for each in play("gunicorn_info", root=apps)["apps"]] == ["blog", "shop"]
    (shop,) = play("gunicorn_info", root=apps, name="shop")["apps"]
    assert (shop["name"], shop["release"], shop["instance"]) == ("shop", None, None)


def test_it_says_what_it_can_t_find_or_read(apps, play, monkeypatch):
    assert play("gunicorn_info", root=apps, name="till")["msg"] == f"there is no app 'till' in {apps}"

    def closed(_root, _name):
        raise PermissionError(13, "Permission denied", "/srv/shop/history.jsonl")

    monkeypatch.setattr(info, "app", closed)
    said = play("gunicorn_info", root=apps, name="shop")["msg"]
    assert said == "/srv/shop/history.jsonl can't be read: be root, or in the group of the app's account"
