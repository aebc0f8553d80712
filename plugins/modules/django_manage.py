#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_manage
short_description: Django's steps between building a release and activating it
version_added: 0.1.0
description:
  - Runs a management command of a release in a transient unit with its service's user, environment and sandbox.
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
attributes:
  diff_mode:
    support: partial
    details: Shows the migrations.
options:
  release:
    description:
      - Id of the release. In check mode it may not be there yet.
      - With O(command=compare) also V(previous), the one that the last deploy replaced.
    type: str
  replaces:
    description:
      - The release that was active when the run began, as for O(pyweb.stack.gunicorn_switch#module:replaces). Where another one
        has taken over since then, V(migrate) fails before it touches a database. Without it that makes no difference.
      - With O(command=compare), the release to compare with; the active one by default.
    type: str
  command:
    description:
      - V(check) is the system check for deployment, of all databases that answer. It fails on errors and returns warnings.
        One that asks for tables which pending migrations make is left for after these, RV(later).
      - V(migrate) applies the migrations that O(databases) lack, after a backup. On PostgreSQL and MySQL it holds a lock in the
        database meanwhile, so that of several hosts with one database each migration is applied by one of them; the others
        wait for it, a quarter of an hour at most.
      - V(compare) says which migrations are applied and known to the other release, but missing in this one.
    type: str
    required: true
    choices: [check, migrate, compare]
  databases:
    description: Aliases of the databases that V(migrate) migrates. A warning names others that lack migrations.
    type: list
    elements: str
    default: [default]
  backup:
    description:
      - The backup that V(migrate) makes and checks before it begins, where anything will be applied. Without any option that is of
        SQLite alone, with one also of PostgreSQL and MySQL, by their tools on the target.
    type: dict
    default: {}
    suboptions:
      keep:
        description: How many of each database are kept, 3 by default. V(0) makes none.
        type: int
      path:
        description: Their folder, by default C(/var/backups/gunicorn-NAME).
        type: path
      command:
        description: What makes one in their place; it writes the file that C(BACKUP_FILE) names, of the database C(BACKUP_DATABASE).
        type: list
        elements: str
  unchecked:
    description: Whether V(migrate) leaves out Django's own check, which RV(unchecked) of V(check) asks for.
    type: bool
    default: false
  told:
    description:
      - What Django said a moment ago, so that V(check) and V(migrate) need not load the project to ask again. RV(told) of V(check), or
        of M(pyweb.stack.gunicorn_release).
    type: dict
"""

EXAMPLES = r"""
- name: Bring the database to the schema of the release
  pyweb.stack.django_manage:
    name: shop
    release: 4f6a7d8e9c0b
    command: migrate
"""

RETURN = r"""
migrations:
  description: The migrations that were applied, or would be; or those that the release lacks. The alias of a database other than C(default) follows.
  returned: when O(command=migrate) and the release is there, or O(command=compare)
  type: list
  elements: str
  sample: [auth.0001_initial]
backups:
  description: The names of the backups that were made before.
  returned: when O(command=migrate) and the release is there
  type: list
  elements: str
  sample: [20261126T173000Z-default]
messages:
  description: The warnings of the check.
  returned: when O(command=check) and the release is there
  type: list
  elements: str
  sample: ["security.W004: You have not set a value for the SECURE_HSTS_SECONDS setting."]
later:
  description: Whether the check for deployment can only be made once the migrations are applied.
  returned: when O(command=check) and the release is there
  type: bool
unchecked:
  description: Whether no check of Django's at all can be made before.
  returned: when O(command=check) and the release is there
  type: bool
told:
  description: What Django said, for O(told) of V(migrate), such as what the databases have and lack of their migrations, C(states).
  returned: when O(command=check) and the release is there
  type: dict
  sample: {states: {default: {unapplied: [], usual: 0, unknown: []}}}
msg:
  description: What was done, or why nothing was.
  returned: always
  type: str
  sample: 18 migrations were missing.
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.django_manage import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
