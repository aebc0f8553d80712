# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module django_restore does: bring a backup back. Private to the collection."""

from __future__ import annotations

import os
import time
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._django import backups as saved
from ansible_collections.pyweb.stack.plugins.module_utils._django.backups import LATEST, Backups
from ansible_collections.pyweb.stack.plugins.module_utils._django.commands import Commands
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._host import files, masking, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import applied, env_file, once
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError
from ansible_collections.pyweb.stack.plugins.module_utils._serving import hold
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Refused

# As long as a migration may take.
_SECONDS = 6 * 3600


def run(module: Module, params: dict) -> dict:
    """Say what a backup lacks, and bring it back if that is confirmed; return what the module documents."""
    store = Store(params["root"], params["name"])
    backups = Backups(store.name, params["path"], keep=None)
    current = store.current()
    try:
        if not current:
            raise StoreError(f"no release of the app {store.name} is active, so nothing says where its database is")
        name = _chosen(backups, params["backup"])
        about = backups.about(name)
        if about["vendor"] == "command":
            raise DjangoError(
                f"{backups.path(name)} was made by the command of django_backup: bring it back by its tool"
            )
        commands = Commands(store, current, [about["alias"]])
        lost = _lost(commands, about)
        result: dict = {
            "changed": False,
            "backup": name,
            "backups": backups.names(),
            "lost": lost,
            "saved": None,
            "stood_still": [],
        }
        if params["confirmed"] == name and not module.check_mode:
            with store.locked("bringing back its database"):
                result.update(_bring_back(module, params, store, backups, commands, name))
    except (DjangoError, StoreError, Refused, systemd.SystemdError, OSError) as error:
        env = files.read(os.path.join(store.item("releases", current), "env")) if current else ""
        return module.fail_json(msg=masking.without_values(f"the app {store.name}: {error}", env_file.parse(env)))
    result["changed"] |= params["confirmed"] == name
    return {**result, "messages": _messages(about, result, lost, params["confirmed"] == name)}


def _lost(commands: Commands, about: dict[str, Any]) -> list[str]:
    """Return what the backup lacks; a damaged database can't say it."""
    try:
        return saved.lost(about, saved.look(commands.manage(), about["alias"]))
    except DjangoError as error:
        return [str(error)]


def _chosen(backups: Backups, name: str) -> str:
    if name != LATEST:
        return name
    if not backups.names():
        raise DjangoError(f"there is no backup in {backups.folder}")
    return backups.names()[0]


def _bring_back(module: Module, params: dict, store: Store, backups: Backups, commands: Commands, name: str) -> dict:
    """Save what there is, and put the backup in its place, while the app stands still."""
    alias, before = backups.about(name)["alias"], None
    manage, user = commands.manage(_SECONDS), commands.user()
    at_work = systemd.releases_at_work(params["name"])
    with hold.still(params["name"], commands.name, params["drain_timeout"]) as stillness:
        if params["save"]:
            told = {"serves": commands.name, "release": None}
            try:
                before = saved.save(manage, user, alias, backups, told)
            except DjangoError as error:
                raise DjangoError(f"{error}; nothing was changed: to go on without that, set save to false") from error
        saved.bring_back(manage, user, backups, name)
        # What was done to the database since is undone with it.
        applied.undone(store, commands.name, name)
        once.forget(store)
    if stillness.cut:
        module.warn(
            f"{stillness.cut} connections were closed because they were still open after {params['drain_timeout']} s"
        )
    if at_work:
        module.warn(
            f"commands of people, such as a shell, ran on meanwhile: systemctl status 'gunicorn-{params['name']}-command-*'; "
            "what they wrote may be lost"
        )
    lacks = [each for names in (commands.databases().unapplied() or {}).values() for each in names]
    if lacks:
        module.warn(
            f"release {commands.name}, which is active, has migrations that the database lacks now: {', '.join(lacks)}: go "
            "back to an earlier release, or play the app's playbook, which applies them"
        )
    return {"saved": before, "stood_still": [*stillness.beside]}


def _messages(about: dict[str, Any], result: dict, lost: list[str], confirmed: bool) -> list[str]:
    taken = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(about["taken"]))
    of = f"The backup {result['backup']} is the database {about['alias']} of {taken}"
    if about["before"]:
        of += f", before {', '.join(about['before'])}"
    found = [
        f"{of}.",
        *([f"What was written since is lost with it, as far as numbers say it: {'; '.join(lost)}."] if lost else []),
    ]
    if not lost:
        found.append(
            "It has the same migrations, and as many rows in each table; what was changed in them since is lost."
        )
    if not confirmed:
        return [
            *found,
            f"Nothing was done. To bring it back: -e backup={result['backup']} -e confirmed={result['backup']}",
        ]
    if result["stood_still"]:
        found.append(f"Meanwhile these stood still, and were started again: {', '.join(result['stood_still'])}.")
    if result["saved"]:
        found.append(
            f"It is in place. What was there before is the backup {result['saved']}, by which this can be undone."
        )
    return found


STEP = Step(
    prefix="gunicorn_",
    options={
        "name": {"type": "str", "required": True},
        "root": {"type": "path", "default": "/srv"},
        "backup": {"type": "str", "default": LATEST},
        "path": {"type": "path"},
        "confirmed": {"type": "str", "default": ""},
        "save": {"type": "bool", "default": True},
        "drain_timeout": {"type": "int", "default": 30},
    },
    unlike=("backup", "path", "confirmed", "save"),
    run=run,
)
