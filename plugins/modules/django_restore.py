#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_restore
short_description: Bring back the database of a Django app
version_added: 0.1.0
description:
  - Says what a backup that was made before migrations lacks, and puts it into the place of the database if that is confirmed.
  - The app stands still meanwhile, with all that runs beside it, and who comes waits on its socket. What was there before
    becomes a backup itself. SQLite and PostgreSQL change in one transaction.
  - Of PostgreSQL what the role of the app owns goes and comes - tables, views and sequences; extensions stay as they are.
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
attributes:
  diff_mode:
    support: none
options:
  backup:
    description: Name of the backup, or V(latest).
    type: str
    default: latest
  path:
    description: The folder of the backups, where C(django_backup) has one.
    type: path
  confirmed:
    description: Name of the backup once more. Unless it is that, nothing is done.
    type: str
    default: ""
  save:
    description: Whether what is there is backed up first. Without that it is lost, which a damaged database may be anyhow.
    type: bool
    default: true
  drain_timeout:
    description: Seconds that the app may take to end what it has in hand.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Say what the latest backup lacks
  pyweb.stack.django_restore:
    name: shop

- name: Bring a backup back
  pyweb.stack.django_restore:
    name: shop
    backup: 20261126T173000Z-default
    confirmed: 20261126T173000Z-default
"""

RETURN = r"""
backup:
  description: Name of the backup.
  returned: success
  type: str
  sample: 20261126T173000Z-default
backups:
  description: Names of all backups before this, the latest first.
  returned: success
  type: list
  elements: str
  sample: [20261126T173000Z-default]
lost:
  description: What the backup lacks, in numbers of rows and in migrations.
  returned: success
  type: list
  elements: str
  sample: ["shop_order: 211 rows in the backup, 214 rows now"]
saved:
  description: Name of the backup of what was there before, none where nothing was done or there was nothing.
  returned: success
  type: str
  sample: 20261126T181500Z-default
stood_still:
  description: The units beside the web process that stood still meanwhile and were started again - processes, timers, runs of jobs.
  returned: success
  type: list
  elements: str
  sample: [gunicorn-shop-beat@4f6a7d8e9c0b.service]
messages:
  description: All of that for people, and what to do next.
  returned: success
  type: list
  elements: str
  sample: ["The backup 20261126T173000Z-default is the database default of 2026-11-26 17:30:00 UTC, before shop.0002_mood."]
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.django_restore import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
