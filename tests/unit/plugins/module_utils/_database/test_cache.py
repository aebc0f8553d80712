# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of an app's cache; the scenario `database` has a real one."""

from __future__ import annotations

import grp
import os
import pwd

from ansible_collections.pyweb.stack.plugins.module_utils._database.cache import Cache
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd

ME = pwd.getpwuid(os.getuid())


def test_nobody_but_the_app_s_group_reaches_it():
    lines = Cache("shop", ME.pw_name).text("redis", 256).splitlines()
    (command,) = [line for line in lines if line.startswith("ExecStart=")]
    assert "--port 0 --unixsocket /run/cache-shop/cache.sock --unixsocketperm 770" in command
    assert {f"Group={grp.getgrgid(ME.pw_gid).gr_name}", "RuntimeDirectoryMode=0750", "PrivateNetwork=yes"} <= set(lines)


def test_a_queue_in_it_survives():
    text = Cache("shop", ME.pw_name).text("valkey", 64)
    assert "valkey-server" in text
    assert "--appendonly yes" in text
    assert "--maxmemory 64mb --maxmemory-policy volatile-lru" in text


def test_in_check_mode_the_account_may_not_be_there():
    assert "Group=nobody_here\n" in Cache("shop", "nobody_here").text("redis", 1)


def test_a_unit_of_somebody_else_s_is_refused(monkeypatch):
    monkeypatch.setattr(systemd, "unit_text", lambda _name: "[Service]\n")
    cache = Cache("shop", ME.pw_name)
    assert not cache.there()
    assert cache.fault() == "cache-shop.service is there and was not made by this role: rename it"
