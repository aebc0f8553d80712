# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose rights gunicorn is asked with, and what it answers."""

from __future__ import annotations

import os
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import ask
from ansible_collections.pyweb.stack.plugins.module_utils._host import sandboxes


def test_who_is_not_root_asks_with_rights_of_its_own(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    # Which takes root.
    monkeypatch.setattr(sandboxes, "Sandbox", None)
    with ask.inside(sys.executable, []) as run:
        assert run([sys.executable, "-c", "print(1)"], seconds=30).stdout == "1\n"


def test_what_an_environment_prints_is_no_answer(talkative):
    with sandboxes.unconfined() as run:
        answer = ask.ask(run, talkative, {"workers": "many"})
    assert "workers" in answer["refused"]


@pytest.mark.parametrize(
    ("script", "said"), [("import sys; sys.exit('no gunicorn')", "no gunicorn"), ("", "it ended without an answer")]
)
def test_no_answer_is_an_error(monkeypatch, script, said):
    monkeypatch.setattr(ask, "_QUESTION", script)
    with sandboxes.unconfined() as run, pytest.raises(ask.GunicornError, match=f"can't import gunicorn: {said}"):
        ask.ask(run, sys.executable, {})
