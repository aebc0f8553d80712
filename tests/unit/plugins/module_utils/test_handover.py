# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a handover that need no systemd."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._handover import Handover, Health, Refused
from ansible_collections.pyweb.stack.plugins.module_utils._store import Store

HEALTH = Health("/healthz", "www.example.com", range(200, 400), 5)


def test_a_release_that_is_not_there(tmp_path):
    handover = Handover(Store(str(tmp_path), "shop"), "shop", drain_timeout=1, keep_releases=5)
    with pytest.raises(Refused, match="there is no release 4f6a7d8e9c0b of the app shop"):
        handover.run("4f6a7d8e9c0b", HEALTH)
