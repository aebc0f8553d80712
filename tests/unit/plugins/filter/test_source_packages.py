# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that fetching a source takes."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.filter.source_packages import FilterModule


@pytest.mark.parametrize(
    ("source", "packages"),
    [
        ({}, []),
        ({"directory": "../shop"}, []),
        ({"git": "https://git.example.com/shop.git"}, ["git"]),
        ({"git": "ssh://git@git.example.com/shop.git"}, ["git", "openssh-client"]),
        ({"git": "git@git.example.com:shop.git"}, ["git", "openssh-client"]),
    ],
)
def test_packages(source, packages):
    assert FilterModule().filters()["source_packages"](source) == packages
