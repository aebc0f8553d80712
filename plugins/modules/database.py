#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database
short_description: Give an app a database and a cache on its own host
version_added: 0.1.0
description:
  - Makes a role and a database of an app in the PostgreSQL of the host, and the service of a cache of its own. Debian's
    packages and the app's account have to be there, but in check mode.
  - PostgreSQL asks the kernel who connects (C(peer)), and the folder of the cache lets in the group of the app's account, so
    there is no password. Each run sees that the account comes in, and that no other can be the role.
  - A role that may do more than its app needs, and a database of another one, are refused and left as they are.
extends_documentation_fragment:
  - pyweb.stack.app.attributes
options:
  app:
    description: The name of the app, which is that of the database.
    type: str
    required: true
  user:
    description: The account of the app, whose name the role has. By default that of the app.
    type: str
  engine:
    description: What the database is, V(none) for none. One that is there stays.
    type: str
    choices: [postgresql, none]
    default: postgresql
  cache:
    description: The program of the cache. Without it there is none, and one that was made goes, but for its data.
    type: str
    choices: [redis, valkey]
  cache_memory:
    description: How much the data of the cache may take, such as V(512M) or V(2G).
    type: str
    default: 256M
  state:
    description: V(absent) removes the service of the cache. All data stays.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - Whether with O(state=absent) the data goes, too - the cache's, and the role and the database if this module made them.
        Fails while somebody is connected to the database.
    type: bool
    default: false
author:
  - The pyweb.stack authors (@pyweb)
requirements:
  - systemd 249 or newer on the target
"""

EXAMPLES = r"""
- name: Give the app a database and a queue
  pyweb.stack.database:
    app: shop
    cache: redis
"""

RETURN = r"""
urls:
  description: The URLs that the app's account reaches them by, C(database) and C(cache).
  returned: success
  type: dict
  sample: {database: "postgresql:///shop?host=/run/postgresql", cache: "unix:///run/cache-shop/cache.sock"}
removed:
  description: What went, or would go in check mode.
  returned: success
  type: list
  elements: str
  sample: [cache-shop.service]
kept:
  description: What of the app stays when it is absent.
  returned: success
  type: list
  elements: str
  sample: [database shop, role shop]
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.database import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
