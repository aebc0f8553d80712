# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Django's system check, as its project makes it. Private to the collection."""

from __future__ import annotations

from ansible_collections.pyweb.stack.plugins.module_utils._django import databases

# For a script that Manage.ask runs, which names the folder SOURCE of the project: what the check for deployment says, the states of
# the databases that it is made for, the migrations that there are, and which tables none of them makes.
SCRIPT = (
    databases.STATES
    + """
import io, traceback
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db.migrations.loader import MigrationLoader

def checked():
    known = states()
    answering = [alias for alias, one in known.items() if "error" not in one]
    found = {"states": known, "deployed": check(deploy=True, databases=answering)}
    # What fails here would fail as they are applied, and is told there.
    try:
        loader = MigrationLoader(None, ignore_no_migrations=True)
        return {**found, "migrations": sorted(map(".".join, loader.disk_migrations)), "unmade": unmade(loader)}
    except Exception:
        return {**found, "migrations": None, "unmade": {"none": [], "users": [], "changed": []}}

def check(**how):
    said, failure = io.StringIO(), None
    try:
        call_command("check", fail_level="ERROR", no_color=True, stdout=said, stderr=said, **how)
    except SystemCheckError as error:
        failure = str(error)
    except Exception:
        failure = traceback.format_exc()
    return {"said": said.getvalue(), "failure": failure}

# As `migrate` would say it after its work, and more: of an app without any migration it says nothing.
def unmade(loader):
    from django.apps import apps
    from django.conf import settings
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.state import ProjectState
    own = [one for one in apps.get_app_configs() if os.path.realpath(one.path).startswith(os.path.realpath(SOURCE) + "/")]
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    changes = detector.changes(graph=loader.graph)
    # What a form offers or a model is called is none of a table's, mostly.
    quiet = ("AlterField", "AlterModelManagers", "AlterModelOptions")
    kinds = {label: [type(one).__name__ for migration in made for one in migration.operations] for label, made in changes.items()}
    changed = {label for label, names in kinds.items() if set(names) - set(quiet)} - loader.unmigrated_apps
    without = {label for label in loader.unmigrated_apps if settings.MIGRATION_MODULES.get(label, label)}
    makes = {one.label for one in own if any(model._meta.managed and not model._meta.proxy for model in one.get_models())}
    users = [one for one in sorted(without & makes) if one == getattr(settings, "AUTH_USER_MODEL", "").split(".")[0]]
    return {"none": sorted(without & makes), "users": users, "changed": sorted(changed & {one.label for one in own})}
"""
)
