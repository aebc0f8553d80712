# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a Django project between its release and the switch. Private to the collection."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._django import checking, databases, migrating
from ansible_collections.pyweb.stack.plugins.module_utils._django.databases import Databases
from ansible_collections.pyweb.stack.plugins.module_utils._django.manage import Manage
from ansible_collections.pyweb.stack.plugins.module_utils._django.migrating import Migrated, MigrationFailed, Safety
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._host import remedies, shell, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._release.releases import run_as
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store

# How long a command may take, and the migrations, some of which rewrite whole tables.
_SECONDS = 900
_MIGRATED_BY = 6 * 3600
_MESSAGE = re.compile(r"^(.*?): \((\w+\.[A-Z]\d+)\) (.*)$", re.MULTILINE)
# What fails before the migrations is tried once more without the checks for deployment, which is all that `migrate` itself asks.
_CHECK = f"""
{checking.SCRIPT}
told = checked()
tell(**told, plain=check() if told["deployed"]["failure"] else told["deployed"])
"""
_MAKE = "run `manage.py makemigrations {0}`, and commit what it writes, which git must not ignore"
_NO_USERS = (
    "AUTH_USER_MODEL is of the app {0}, which has no migrations: nothing would make the table of users, and once those of other "
    f"apps that refer to it are applied, Django takes none for it any more: {_MAKE}"
)
_REFUSES = "Django's system check refuses the release"


@dataclasses.dataclass(frozen=True)
class Checked:
    """What the system check found: its warnings, and whether it, or all of Django's checks, can only be made after the migrations.

    `told` is all that Django said; `unmade` says which tables no migration makes as the project's models have them.
    """

    messages: list[str]
    told: dict[str, Any]
    unmade: list[str] = dataclasses.field(default_factory=list)
    later: bool = False
    none_before: bool = False


class Commands:
    """The release `name` of a Django app in `store`: its commands run as its service would.

    `named` are the aliases of the databases that are this project's to migrate.
    """

    def __init__(self, store: Store, name: str, named: typing.Sequence[str] = ("default",)):
        self._store = store
        self._named = named
        self.name = name
        self.path = store.item("releases", name)
        self._python = f"{self.path}/venv/bin/python"
        self._manage = self.manage()

    def check(self, told: dict[str, Any] | None = None) -> Checked:
        """Run the system check for deployment on all databases that answer. Raises DjangoError on its errors.

        One that asks for tables which the pending migrations make can't be made before these. `told` is what Django said of it
        when the release was made, if it was asked then; errors are only believed of a release that is whole.
        """
        if not told or told["deployed"]["failure"]:
            told = self._manage.ask(_CHECK, _REFUSES, SOURCE=f"{self.path}/src")
        unmade = list(_unmade(told["unmade"]))
        users = told["unmade"]["users"]
        if users and any((Databases(told["states"], self._named).unapplied() or {}).values()):
            raise DjangoError(_NO_USERS.format(users[0]))
        failure = told["deployed"]["failure"]
        if not failure:
            return Checked(_messages(told["deployed"]["said"]), told, unmade)
        known = Databases(told["states"], self._named)
        plain = told["plain"]["failure"]
        if not known.explain(failure) or (plain and not known.explain(plain)):
            raise DjangoError(f"{_REFUSES}:\n{_errors(failure, self._manage.workdir)}")
        return Checked(_messages(told["plain"]["said"]), told, unmade, later=True, none_before=bool(plain))

    def databases(self, told: dict[str, Any] | None = None) -> Databases:
        """Return its databases, as Django `told` of them where it was asked a moment ago. Raises DjangoError."""
        return Databases(told["states"], self._named) if told else databases.ask(self._manage, self._named)

    def migrate(self, alias: str, unchecked: bool, safety: Safety | None = None) -> Migrated:
        """Apply the migrations to one database, `unchecked` if Django's check can't be made before. Raises DjangoError."""
        # So spelt, as django-tenants, whose migrate is its own, knows no other.
        argv = [self._python, "manage.py", "migrate", "--noinput", f"--database={alias}", "--no-color"]
        argv += ["--skip-checks"] if unchecked else []
        try:
            return migrating.migrate(self.manage(_MIGRATED_BY), self._store.name, self.user(), alias, argv, safety)
        except MigrationFailed as error:
            systemd.note(self._store.name, error.said)
            raise

    def manage(self, seconds: float = _SECONDS) -> Manage:
        """Return its `manage.py`, whose commands may take so many seconds."""
        return Manage(self._python, functools.partial(self._run, seconds=seconds), self._store.workdir(self.name))

    def user(self) -> str:
        """Return the account as which its commands run."""
        return dict(self._store.installed(self.name).properties()).get("User", "root")

    def _run(self, argv: list[str], also: list[tuple[str, str]], seconds: float = _SECONDS) -> Done:
        try:
            return run_as(self._store, self.name, argv, seconds, also)
        except shell.Overdue as error:
            raise DjangoError(f"{error}: it may wait for what isn't there, such as a database") from error


def _messages(said: str) -> list[str]:
    return [f"{code}: {text}" for _where, code, text in _MESSAGE.findall(said)]


def _unmade(apps: dict[str, list[str]]) -> typing.Iterator[str]:
    """Yield what is to be known of apps without migrations, and of those whose models have changed since."""
    if apps["none"]:
        yield (
            f"There are models but no migrations in {', '.join(apps['none'])}, so nothing makes their tables: "
            f"{_MAKE.format(' '.join(apps['none']))}"
        )
    if apps["changed"]:
        yield (
            f"The models of {', '.join(apps['changed'])} have what no migration makes: "
            f"{_MAKE.format(' '.join(apps['changed']))}"
        )


def _errors(failure: str, workdir: str) -> str:
    """Return what is wrong without the warnings, which come last in the message of a check."""
    return remedies.explain(failure.partition("\nWARNINGS:")[0], workdir)
