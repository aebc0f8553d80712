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

from ansible_collections.pyweb.stack.plugins.module_utils import _file, _systemd
from ansible_collections.pyweb.stack.plugins.module_utils._store import Store

_SETTINGS = re.compile(r"""^[^#\n]*DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""", re.MULTILINE)
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


class DjangoError(Exception):
    """The project can't be used or a step failed; the message names the variable or has what Django said."""


class Project:
    """The Django project in a sealed source; I(chdir), I(settings_module), I(wsgi_app) where the user named them."""

    def __init__(self, source: str, chdir: str, settings_module: str | None, wsgi_app: str | None):
        self.chdir = _folder_of_manage(source, chdir)
        folder = os.path.join(source, self.chdir)
        self.settings_module = settings_module or _settings_module(os.path.join(folder, "manage.py"))
        self.wsgi_app = wsgi_app or _wsgi_app(folder, self.settings_module)


class Release:
    """The release I(name) of a Django app in I(store): its commands run as its service would."""

    def __init__(self, store: Store, name: str):
        self._store = store
        self.name = name
        self.path = store.item("releases", name)
        self._unit = f"{_systemd.instance(store.name, name)}.service"

    def check(self) -> list[str]:
        """Run the system check for deployment and return its warnings. Raises DjangoError on its errors."""
        done = self._manage("check", "--deploy", "--fail-level=ERROR")
        said = done.stdout + done.stderr
        if done.returncode:
            raise DjangoError(f"Django's system check refuses the release:\n{_last(said)}")
        return [f"{code}: {text}" for _where, code, text in _MESSAGE.findall(said)]

    def unapplied(self) -> list[str] | None:
        """Return the migrations that the default database lacks, in order; None where the project has no database."""
        return self._migrations()["unapplied"]

    def unknown(self) -> list[str]:
        """Return the migrations that the default database has, but this code lacks, sorted."""
        return self._migrations()["unknown"]

    def migrate(self) -> None:
        """Apply the migrations to the default database. Raises DjangoError where one fails."""
        done = self._manage("migrate", "--no-input")
        if done.returncode:
            raise DjangoError(
                "a migration failed; migrations before it may have been applied:\n" + _last(done.stdout + done.stderr)
            )

    def collect_static(self) -> bool:
        """Put the static files into the release; return whether the project has any (C(staticfiles) is installed).

        The folder appears whole or not at all, and belongs to root.
        """
        for left in glob.glob(f"{self.path}/.stage-*"):
            shutil.rmtree(left)
        stage = tempfile.mkdtemp(prefix=".stage-", dir=self.path)
        try:
            shutil.chown(stage, dict(self._properties())["User"])
            writable = ("ReadWritePaths", stage)
            installed = self._ask(_COLLECT_STATIC, "the static files can't be collected", stage, also=[writable])
            for path, _folders, files in os.walk(stage):
                os.chown(path, 0, 0)
                os.chmod(path, 0o755)
                for file in files:
                    os.lchown(os.path.join(path, file), 0, 0)
                    if not os.path.islink(os.path.join(path, file)):
                        os.chmod(os.path.join(path, file), 0o644)
            try:
                _file.sync_tree(stage)
            except OSError as error:
                raise DjangoError(f"the static files can't be written: {error}") from error
            os.rename(stage, os.path.join(self.path, "static"))
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        return installed

    def has_static(self) -> bool:
        """Say whether the static files were collected."""
        return os.path.isdir(os.path.join(self.path, "static"))

    def _manage(self, *arguments: str):
        argv = [f"{self.path}/venv/bin/python", "manage.py", *arguments, "--no-color"]
        return _systemd.run(self._store.name, self._properties(), argv)

    def _migrations(self):
        return self._ask(_MIGRATIONS, "the database can't be asked for its migrations")

    def _ask(self, script: str, failure: str, *arguments: str, also=()):
        argv = [f"{self.path}/venv/bin/python", "-c", script, *arguments]
        done = _systemd.run(self._store.name, [*self._properties(), *also], argv)
        if done.returncode:
            raise DjangoError(f"{failure}:\n{_last(done.stderr)}")
        return json.loads(done.stdout.splitlines()[-1])

    def _properties(self) -> list[tuple[str, str]]:
        properties = _systemd.properties_for_commands(self._unit, self.name)
        # What gunicorn puts in front of the app's path, its commands need as well.
        path = ":".join(self._store.release(self.name)["in_force"]["pythonpath"])
        return [*properties, ("Environment", f'"PYTHONPATH={path}"')] if path else properties


def _folder_of_manage(source: str, chdir: str) -> str:
    if os.path.isfile(os.path.join(source, chdir, "manage.py")):
        return os.path.normpath(chdir)
    patterns = ("*/manage.py", "*/*/manage.py") if chdir == "." else ()
    found = [os.path.relpath(path, source) for pattern in patterns for path in glob.glob(os.path.join(source, pattern))]
    if len(found) != 1:
        where = f"several: {', '.join(sorted(found))}" if found else "none"
        raise DjangoError(
            f"gunicorn_chdir is {chdir!r}, but must be the folder of manage.py inside the source, and there is {where}"
        )
    return os.path.dirname(found[0])


def _settings_module(manage: str) -> str:
    with open(manage, encoding="utf-8") as file:
        match = _SETTINGS.search(file.read())
    if not match:
        raise DjangoError("django_settings_module is not set, and manage.py names no DJANGO_SETTINGS_MODULE: set it")
    return match[1]


def _wsgi_app(folder: str, settings_module: str) -> str:
    """Return the project's WSGI application: C(wsgi.py) in the package of its settings, or in one above that."""
    package = settings_module.split(".")[:-1]
    while package:
        if os.path.isfile(os.path.join(folder, *package, "wsgi.py")):
            return f"{'.'.join(package)}.wsgi:application"
        package.pop()
    raise DjangoError(
        f"gunicorn_wsgi_app is not set, and no wsgi.py lies beside the settings {settings_module}: "
        "set it, for instance to 'mysite.wsgi:application'"
    )


def _last(text: str, lines: int = 15) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
