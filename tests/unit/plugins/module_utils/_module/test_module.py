# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules have in common; that they refuse and hide is tested on servers."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._module import module


@pytest.mark.parametrize(
    ("path", "completed"),
    [
        ("/usr/local/bin:/usr/bin:/bin", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"),
        ("/sbin:/usr/sbin:/bin", "/sbin:/usr/sbin:/bin"),
    ],
)
def test_the_programs_of_the_host_are_found(path, completed):
    assert module._with_system_folders(path) == completed


def test_what_was_not_given_is_not_what_has_no_value():
    """AnsibleModule has None for an option, or a part of one, that was left out."""
    spec = {
        "index": {"type": "dict", "options": {"url": {}, "ca": {}}},
        "env": {"type": "dict"},
        "root": {},
        "name": {},
    }
    params = {"index": {"url": None, "ca": "/ca.pem"}, "env": {"A": None}, "root": None, "name": ""}
    assert module._given(params, spec) == {"index": {"ca": "/ca.pem"}, "env": {"A": None}, "name": ""}
