# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What releases did to a database before they took over: it stays, whatever becomes of them. Private to the collection.

It is in the app's history, so that a run knows of it that comes after the one that did it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ansible_collections.pyweb.stack.plugins.module_utils._release import commands
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import BACKUPS, Store

_APPLIED, _RESTORED = "applied", "restored"


def migrations(store: Store, release: str, names: Sequence[str], backup: str | None, folder: str) -> None:
    """Note that a release applied these migrations, after the backup `backup` in `folder` if one was made."""
    store.history.record(_APPLIED, release, migrations=[*names], backup=backup, folder=folder)


def command(store: Store, release: str, words: Sequence[str]) -> None:
    """Note that a release did one of its commands with C(once)."""
    store.history.record(_APPLIED, release, command=[*words])


def undone(store: Store, release: str, backup: str) -> None:
    """Note that a backup is in the place of what releases made of the database; `release` is active."""
    store.history.record(_RESTORED, release, backup=backup)


def told(store: Store) -> list[str]:
    """Return what a failure has to say of what was applied since the active release took over."""
    events = _since(store)
    names = _once_each(name for event in events for name in event.get("migrations", []))
    done = _once_each(commands.shown(event["command"]) for event in events if "command" in event)
    saved = [(event["backup"], event["folder"]) for event in events if event.get("backup")]
    found = []
    if names:
        found.append(f"These migrations were applied before and stay: {', '.join(names)}. {_goes_on(store)}")
    if done:
        found.append(
            f"These steps of gunicorn_before_switch were done before and stay done: {', '.join(done)}. {_goes_on(store)}"
        )
    there = [each for each in saved if os.path.exists(os.path.join(each[1], f"{each[0]}.json"))]
    found += [_backup(store, *each) for each in there]
    if found and not there:
        found.append("There is no backup from before.")
    return found


def _since(store: Store) -> list[dict]:
    """Return the events since the active release took over, or since a backup was brought back."""
    events = store.history.events()
    turns = [number for number, event in enumerate(events) if event["event"] == _RESTORED]
    turns += [events.index(event) for event in store.activations()[-1:]]
    return [event for event in events[max(turns, default=-1) + 1 :] if event["event"] == _APPLIED]


def _goes_on(store: Store) -> str:
    serves = store.current()
    return f"Release {serves} goes on with them, whose code may not know them." if serves else "No release serves yet."


def _backup(store: Store, name: str, folder: str) -> str:
    elsewhere = f" -e path={folder}" if folder != BACKUPS.format(store.name) else ""
    return (
        f"The database from before is the backup {name}: ansible-playbook pyweb.stack.restore -e gunicorn_name={store.name} "
        f"-e backup={name}{elsewhere} says what bringing it back would lose."
    )


def _once_each(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
