# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plays a module as Ansible does: by its options, as a program of its own."""

from __future__ import annotations

import json
import runpy

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module


@pytest.fixture
def play(capsys, monkeypatch):
    """Play a module with these options; return its result, and in `warned` the texts of its warnings."""
    warned: list[str] = []
    # Else they are those of all modules that were played in this process.
    monkeypatch.setattr(Module, "warn", lambda _module, text: warned.append(text))

    def play(name: str, check: bool = False, /, **options) -> dict:
        warned.clear()
        with patch_module_args({**options, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            runpy.run_module(f"ansible_collections.pyweb.stack.plugins.modules.{name}", run_name="__main__")
        return {**json.loads(capsys.readouterr().out), "warned": "\n".join(warned)}

    return play
