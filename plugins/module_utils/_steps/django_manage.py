# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module django_manage does: Django's steps before a release becomes active. Private to the collection."""

from __future__ import annotations

import os

from ansible_collections.pyweb.stack.plugins.module_utils._django.backups import KEEP, Backups
from ansible_collections.pyweb.stack.plugins.module_utils._django.commands import Commands
from ansible_collections.pyweb.stack.plugins.module_utils._django.databases import shown
from ansible_collections.pyweb.stack.plugins.module_utils._django.migrating import MigrationFailed, Safety
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._host import files, masking
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import applied, env_file
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError


def check(module: Module, params: dict, store: Store, commands: Commands) -> dict:
    """Run the system check."""
    checked = commands.check(params["told"])
    if checked.messages:
        # The first sentence of each: all of it is in the result.
        module.warn(
            "Django's check for deployment: "
            + " ".join(f"{each.split('. ')[0].rstrip('.')}." for each in checked.messages)
        )
    for each in checked.unmade:
        module.warn(each)
    msg = "The check found no error."
    if checked.later:
        what = (
            "no check of Django's"
            if checked.none_before
            else "the check for deployment, as opposed to Django's others,"
        )
        msg = f"Before the migrations {what} can run, since it asks for what these make: it runs after them."
        module.warn(msg)
    later = {"later": checked.later, "unchecked": checked.none_before}
    return {"changed": False, "messages": checked.messages, "msg": msg, **later, "told": checked.told}


def migrate(module: Module, params: dict, store: Store, commands: Commands) -> dict:
    """Apply what the databases lack, after a backup."""
    databases = commands.databases(params["told"])
    for warning in databases.warnings():
        module.warn(warning)
    lacks = databases.unapplied()
    if lacks is None:
        return {"changed": False, "migrations": [], "backups": [], "msg": "The project has no database."}
    migrations, made = shown(lacks), []
    if migrations and not module.check_mode:
        with store.locked("migrating its database"):
            # What can't be undone must not come from a run whose release would be refused after it.
            overtaken = store.overtaken(commands.name, params["replaces"])
            if overtaken:
                raise StoreError(f"the database was not touched: {overtaken}")
            migrations = []
            for alias in [alias for alias, names in lacks.items() if names]:
                try:
                    done, failure = commands.migrate(alias, params["unchecked"], _safety(params, store, commands)), None
                except MigrationFailed as error:
                    done, failure = error.migrated, error
                # Another host with the same database may have been quicker: what it applied is not this run's.
                names = shown({alias: done.applied})
                migrations += names
                made += [done.backup] if done.backup else []
                if names:
                    folder = Backups(store.name, params["backup"].get("path")).folder
                    applied.migrations(store, commands.name, names, done.backup, folder)
                if failure:
                    raise failure
                if done.waited:
                    module.warn(f"this run waited {done.waited} s for the migrations of another with the same database")
    msg = f"{len(migrations)} migrations were missing." if migrations else "The database has every migration."
    if made:
        msg += f" The backup from before is {', '.join(made)}."
    diff = {"before": "", "after": "".join(f"{name}\n" for name in migrations)}
    return {"changed": bool(migrations), "migrations": migrations, "backups": made, "msg": msg, "diff": diff}


def _safety(params: dict, store: Store, commands: Commands) -> Safety | None:
    """Return what is backed up before a migration: SQLite by itself, and the others where anything is said of backups."""
    given = {name: value for name, value in params["backup"].items() if value is not None}
    keep = given.get("keep", KEEP)
    if not keep:
        return None
    backups = Backups(store.name, given.get("path"), keep)
    told = {"serves": store.current(), "release": commands.name}
    return Safety(backups, bool(given), given.get("command", []), told)


def compare(module: Module, params: dict, store: Store, commands: Commands) -> dict:
    """Report the migrations that are applied and that an earlier release does not know."""
    before = params["replaces"] or store.current() or commands.name
    try:
        lacks = [] if _same_migrations(store, before, commands.name) else commands.databases().unknown()
        if lacks:
            # What no code knows any more, such as migrations that were squashed, is no news.
            known = set(Commands(store, before).databases().unknown())
            lacks = sorted(set(lacks) - known)
    except (DjangoError, StoreError, OSError) as error:
        # What is wrong with the other release may be why one rolls back.
        module.warn(f"which migrations are applied and missing in release {commands.name} can't be determined: {error}")
        return {"changed": False, "migrations": [], "msg": "This can't be determined."}
    msg = f"The database has no migration that release {commands.name} lacks."
    if lacks:
        msg = f"The database stays as it is, with migrations that release {commands.name} lacks: {', '.join(lacks)}."
        module.warn(msg)
    return {"changed": False, "migrations": lacks, "msg": msg}


def _same_migrations(store: Store, *releases: str) -> bool:
    """Say whether releases are known to have the same, so that none of them lacks what another one applied."""
    there = store.names("releases")
    recorded = {store.release(release).get("migrations") if release in there else None for release in releases}
    return len(recorded) == 1 and None not in recorded


_COMMANDS = {"check": check, "migrate": migrate, "compare": compare}


def run(module: Module, params: dict) -> dict:
    """Do one of Django's steps; return what the module documents."""
    store = Store(params["root"], params["name"])
    name = params["release"] or ""
    try:
        release = store.resolve(name) if params["command"] == "compare" else name
        commands = Commands(store, release, params["databases"])
    except (StoreError, OSError) as error:
        module.fail_json(msg=str(error))
    if module.check_mode and not (name and os.path.isdir(commands.path)):
        msg = "The release is not built yet, so this can't be known before the run."
        diff = {"before": "", "after": "(not known yet)\n"} if params["command"] == "migrate" else {}
        return {"changed": params["command"] != "check", "msg": msg, "diff": diff}
    try:
        result = _COMMANDS[params["command"]](module, params, store, commands)
    except (DjangoError, StoreError, OSError) as error:
        serving = f"; release {store.current()} is still active, untouched" if store.current() else ""
        said = masking.without_values(str(error), env_file.parse(files.read(os.path.join(commands.path, "env"))))
        msg = f"release {commands.name} of the app {store.name}: {said}{serving}"
        module.fail_json(msg="\n".join([msg, *applied.told(store)]))
    return result


STEP = Step(
    prefix="gunicorn_",
    options={
        "name": {"type": "str", "required": True},
        "root": {"type": "path", "default": "/srv"},
        "release": {"type": "str"},
        "replaces": {"type": "str"},
        "command": {"type": "str", "required": True, "choices": list(_COMMANDS)},
        "databases": {"type": "list", "elements": "str", "default": ["default"]},
        "unchecked": {"type": "bool", "default": False},
        "told": {"type": "dict"},
        "backup": {
            "type": "dict",
            "default": {},
            "options": {
                "keep": {"type": "int"},
                "path": {"type": "path"},
                "command": {"type": "list", "elements": "str"},
            },
        },
    },
    run=run,
)
