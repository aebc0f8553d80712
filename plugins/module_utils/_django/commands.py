# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Django project is made of, and its steps before a release may serve. Private to the collection."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._host import files, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store

_MESSAGE = re.compile(r"^(.*?): \((\w+\.[A-Z]\d+)\) (.*)$", re.MULTILINE)

# Each prints its result as JSON in the last line; what the project prints comes before.
_MIGRATIONS = """
import json, django
django.setup()
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
found = {"unapplied": None, "unknown": []}
if connections[DEFAULT_DB_ALIAS].settings_dict["ENGINE"] != "django.db.backends.dummy":
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    loader = executor.loader
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    found = {
        "unapplied": ["%s.%s" % (migration.app_label, migration.name) for migration, backwards in plan],
        "unknown": ["%s.%s" % key for key in sorted(loader.applied_migrations) if key not in loader.disk_migrations],
    }
print()
print(json.dumps(found))
"""
# The files lie below the folder as their URLs below the host, so nginx needs to know no prefix.
_COLLECT_STATIC = """
import json, os, sys, urllib.parse, django
django.setup()
from django.apps import apps
from django.conf import settings
installed = apps.is_installed("django.contrib.staticfiles")
if installed:
    from django.core.management import call_command
    prefix = urllib.parse.urlsplit(settings.STATIC_URL or "/static/").path.strip("/")
    settings.STATIC_ROOT = os.path.join(sys.argv[1], *prefix.split("/"))
    os.makedirs(settings.STATIC_ROOT, exist_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
print()
print(json.dumps(installed))
"""


class Commands:
    """The release `name` of a Django app in `store`: its commands run as its service would."""

    def __init__(self, store: Store, name: str):
        self._store = store
        self.name = name
        self.path = store.item("releases", name)
        self._unit = f"{systemd.instance(store.name, name)}.service"

    def check(self) -> list[str]:
        """Run the system check for deployment and return its warnings. Raises DjangoError on its errors."""
        done = self._manage("check", "--deploy", "--fail-level=ERROR")
        said = done.stdout + done.stderr
        if done.returncode:
            raise DjangoError(f"Django's system check refuses the release:\n{_last(said)}")
        return [f"{code}: {text}" for _where, code, text in _MESSAGE.findall(said)]

    def unapplied(self) -> list[str] | None:
        """Return the migrations that the default database lacks, in order; None where the project has no database."""
        unapplied: list[str] | None = self._migrations()["unapplied"]
        return unapplied

    def unknown(self) -> list[str]:
        """Return the migrations that the default database has, but this code lacks, sorted."""
        unknown: list[str] = self._migrations()["unknown"]
        return unknown

    def migrate(self) -> None:
        """Apply the migrations to the default database. Raises DjangoError where one fails."""
        done = self._manage("migrate", "--no-input")
        if done.returncode:
            raise DjangoError(
                "a migration failed; migrations before it may have been applied:\n" + _last(done.stdout + done.stderr)
            )

    def collect_static(self) -> bool:
        """Put the static files into the release; return whether the project has any (`staticfiles` is installed).

        The folder appears whole or not at all, and belongs to root.
        """
        for left in glob.glob(f"{self.path}/.stage-*"):
            shutil.rmtree(left)
        stage = tempfile.mkdtemp(prefix=".stage-", dir=self.path)
        try:
            shutil.chown(stage, dict(self._properties())["User"])
            writable = ("ReadWritePaths", stage)
            installed = self._ask(_COLLECT_STATIC, "the static files can't be collected", stage, also=[writable])
            for path, _folders, names in os.walk(stage):
                os.chown(path, 0, 0)
                os.chmod(path, 0o755)
                for name in names:
                    os.lchown(os.path.join(path, name), 0, 0)
                    if not os.path.islink(os.path.join(path, name)):
                        os.chmod(os.path.join(path, name), 0o644)
            try:
                files.sync_tree(stage)
            except OSError as error:
                raise DjangoError(f"the static files can't be written: {error}") from error
            os.rename(stage, os.path.join(self.path, "static"))
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        return bool(installed)

    def has_static(self) -> bool:
        """Say whether the static files were collected."""
        return os.path.isdir(os.path.join(self.path, "static"))

    def _manage(self, *arguments: str) -> Done:
        argv = [f"{self.path}/venv/bin/python", "manage.py", *arguments, "--no-color"]
        return systemd.run(self._store.name, self._properties(), argv)

    def _migrations(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask(_MIGRATIONS, "the database can't be asked for its migrations")
        return found

    def _ask(self, script: str, failure: str, *arguments: str, also: Sequence[tuple[str, str]] = ()) -> Any:
        argv = [f"{self.path}/venv/bin/python", "-c", script, *arguments]
        done = systemd.run(self._store.name, [*self._properties(), *also], argv)
        if done.returncode:
            raise DjangoError(f"{failure}:\n{_last(done.stderr)}")
        return json.loads(done.stdout.splitlines()[-1])

    def _properties(self) -> list[tuple[str, str]]:
        properties = systemd.properties_for_commands(self._unit, self.name)
        # What gunicorn puts in front of the app's path, its commands need as well.
        path = ":".join(self._store.release(self.name)["in_force"]["pythonpath"])
        return [*properties, ("Environment", f'"PYTHONPATH={path}"')] if path else properties


def _last(text: str, lines: int = 15) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
