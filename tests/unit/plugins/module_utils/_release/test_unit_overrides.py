# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may say of the unit; what is wrong with it is tested with the variable."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, hardening
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files, unit_overrides


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"ProtectHome": "tmpfs"}, [("ProtectHome", "tmpfs")], id="text"),
        pytest.param({"TasksMax": 100, "Nice": -5}, [("Nice", "-5"), ("TasksMax", "100")], id="numbers, sorted"),
        pytest.param({"PrivateTmp": False}, [("PrivateTmp", "no")], id="false"),
        pytest.param({"PrivateTmp": True}, [("PrivateTmp", "yes")], id="true"),
        pytest.param({"IPAddressAllow": ["::1", "127.0.0.1"]}, [("IPAddressAllow", "::1"), ("IPAddressAllow", "127.0.0.1")], id="a list"),
        pytest.param({"SystemCallFilter": []}, [("SystemCallFilter", "")], id="an empty list"),
    ],
)  # fmt: skip
def test_lines(overrides, lines):
    assert list(unit_overrides.faults(overrides)) == []
    assert unit_overrides.lines(overrides) == lines


def test_the_whole_sandbox_can_be_said_in_other_words():
    assert list(unit_overrides.faults({name: "x" for name, _value in hardening.SERVICE})) == []


def test_nothing_that_starts_stops_or_is_the_service():
    ours = {name for name, _value in unit_files.Service("a", "a", "a", "/a", "/a", "a", 1).properties("/r")}
    ours -= {name for name, _value in hardening.SERVICE} | {"ExecPaths", "BindReadOnlyPaths", "ReadOnlyPaths"}
    ours |= command_line._OF_THE_SERVICE_ALONE | {"ExecStartPre", "ExecReload", "WatchdogSec", "RootDirectory", "Slice"}
    assert len(list(unit_overrides.faults(dict.fromkeys(ours, "x")))) == len(ours)
