# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project's databases have of its migrations. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._django.manage import Manage
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError

# The databases of a script for Manage.ask. A mirror gets its tables from the database that it mirrors. `usual` are the
# migrations that the project's routers let into the database, by the name of the app alone.
STATES = """
import os
from django.db import connections, router
from django.db.migrations.executor import MigrationExecutor

def state(alias):
    path = str(connections[alias].settings_dict["NAME"])
    if connections[alias].vendor == "sqlite" and os.path.isfile(path) and not os.access(path, os.W_OK):
        return {"error": "attempt to write a readonly database (%s)" % path}
    try:
        executor = MigrationExecutor(connections[alias])
        loader = executor.loader
        lacks = [migration for migration, backwards in executor.migration_plan(loader.graph.leaf_nodes())]
        return {
            "unapplied": [[one.app_label, one.name] for one in lacks],
            "usual": len([one for one in lacks if router.allow_migrate(alias, one.app_label)]),
            "unknown": [key for key in sorted(loader.applied_migrations) if key not in loader.disk_migrations],
        }
    except Exception as error:
        # SQLite doesn't say which file it means.
        place = " (%s)" % path if connections[alias].vendor == "sqlite" else ""
        return {"error": "%s: %s%s" % (type(error).__name__, " ".join(str(error).split()), place)}

def states():
    kinds = {alias: connections[alias].settings_dict for alias in connections}
    real = [a for a, kind in kinds.items() if kind["ENGINE"] != "django.db.backends.dummy" and not kind["TEST"]["MIRROR"]]
    return {alias: state(alias) for alias in real}
"""
_LACKS = re.compile(
    r"no such (?:table|column)|(?:relation|column) \S+ does not exist|Table '.*' doesn't exist|Unknown column|ORA-00942"
    r"|Invalid (?:object|column) name"
)
_FAILURE = "the database can't be asked for its migrations"


class Databases:
    """The databases of a project by their aliases, as STATES told them, of which those `named` are this project's to migrate."""

    def __init__(self, states: dict[str, dict[str, Any]], named: Sequence[str]):
        self._states = states
        self._named = [alias for alias in named if alias in states]
        missing = [alias for alias in named if alias not in states and alias != "default"]
        if missing:
            raise DjangoError(
                f"django_databases has {', '.join(map(repr, missing))}, but the settings have the databases "
                f"{', '.join(states) or 'none'}: name some of these"
            )

    def unapplied(self) -> dict[str, list[str]] | None:
        """Return which migrations the named databases lack, in order; None where the project has no such database.

        Raises DjangoError where one of these can't be asked.
        """
        for alias in self._named:
            if "error" in self._states[alias]:
                raise DjangoError(f"{_FAILURE} ({alias}): {self._states[alias]['error']}")
        lacks = {alias: [".".join(one) for one in self._states[alias]["unapplied"]] for alias in self._named}
        return lacks if self._named else None

    def unknown(self) -> list[str]:
        """Return the migrations that a database has, but this code lacks."""
        return [
            _shown(alias, ".".join(one)) for alias, state in self._states.items() for one in state.get("unknown", [])
        ]

    def warnings(self) -> list[str]:
        """Return what is not as it should be with the others."""
        found = []
        for alias, state in self._states.items():
            if alias not in self._named and "error" in state:
                found.append(f"the database {alias} can't be asked for its migrations: {state['error']}")
            elif alias not in self._named and state["usual"]:
                found.append(
                    f"the database {alias} lacks {state['usual']} migrations, and is not migrated, since django_databases "
                    "doesn't name it"
                )
        return found

    def explain(self, failure: str) -> bool:
        """Say whether what failed asked for tables or columns that migrations would make."""
        return bool(_LACKS.search(failure)) and any((self.unapplied() or {}).values())


def ask(manage: Manage, named: Sequence[str]) -> Databases:
    """Return the databases of the project. Raises DjangoError."""
    return Databases(manage.ask(f"{STATES}\ntell(states=states())\n", _FAILURE)["states"], named)


def shown(lacks: dict[str, list[str]]) -> list[str]:
    """Return migrations of all databases as people read them."""
    return [_shown(alias, name) for alias, names in lacks.items() for name in names]


def _shown(alias: str, name: str) -> str:
    return name if alias == "default" else f"{name} ({alias})"
