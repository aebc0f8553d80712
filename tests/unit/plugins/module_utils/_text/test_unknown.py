# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not known yet is no text that anything could be made of."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._text.unknown import UNKNOWN, known


def test_what_is_known_is_itself():
    assert known("(not known yet)") == "(not known yet)"
    with pytest.raises(ValueError, match="can't be known before the run"):
        known(UNKNOWN)
