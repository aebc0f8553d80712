# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release does once, command by command, as far as it gets."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, shell
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._release import once, releases
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store

RELEASE = "4f6a7d8e9c0b"
COMMANDS = [["/bin/sh", "-c", "first"], ["/bin/sh", "-c", "second"]]


@pytest.fixture
def store(tmp_path, as_root, write):
    """Return a store with a release."""
    store = Store(str(tmp_path), "shop")
    with store.locked("a test"):
        write(
            store.item("releases", RELEASE),
            {"release.json": '{"app": {"chdir": "."}}', "src/app.py": "", "venv/bin/python": ""},
        )
    return store


@pytest.fixture
def ran(monkeypatch):
    """Return the commands that were run; one that has the last word `never` does not end."""
    ran: list[str] = []

    def run_as(_store, _name, argv, _seconds):
        ran.append(argv[-1])
        if argv[-1] == "never":
            raise shell.Overdue("it")
        return Done(argv, 0, "", "")

    monkeypatch.setattr(releases, "run_as", run_as)
    monkeypatch.setattr(
        command_line.Release, "properties", lambda release: [("WorkingDirectory", f"{release.path}/src")]
    )
    return ran


def test_what_is_done_is_not_done_again(store, ran):
    once.Once(store, RELEASE, COMMANDS).do()
    assert ran == ["first", "second"]
    assert once.Once(store, RELEASE, COMMANDS).pending() == []
    once.Once(store, RELEASE, COMMANDS).do()
    assert ran == ["first", "second"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/bin/sh", "-c", "never"], "gunicorn_before_switch: .* did not end within 21600 s"),
        (["nosuch"], "gunicorn_before_switch has 'nosuch', but the app's environment has no such program"),
    ],
)
def test_what_comes_after_one_that_fails_stays_pending(store, ran, command, said):
    wanted = [COMMANDS[0], command, COMMANDS[1]]
    with pytest.raises(once.StepError, match=said):
        once.Once(store, RELEASE, wanted).do()
    assert once.Once(store, RELEASE, wanted).pending() == wanted[1:]
    assert "second" not in ran
    # No words of a command, which the history has.
    assert "first" not in pathlib.Path(store.item("releases", RELEASE), "once.jsonl").read_text()
