# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an app has its command and its secrets, for tests that deploy or remove something."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._release import host_command, host_secrets


@pytest.fixture(autouse=True)
def _beside_the_app(tmp_path, monkeypatch):
    """Keep them out of the folders of this machine."""
    monkeypatch.setattr(host_command, "FOLDER", str(tmp_path / "commands"))
    monkeypatch.setattr(host_secrets, "FOLDER", str(tmp_path / "secrets"))
