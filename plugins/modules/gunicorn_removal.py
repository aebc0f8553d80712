#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gunicorn_removal
short_description: Remove an app and all that came with it
version_added: 0.1.0
description:
  - Ends the app's instances when everything they had accepted or queued is answered, then removes its units, sockets and
    account and its folder with all releases. Other apps don't notice; with the last one the installer C(uv) goes, too.
  - State in C(/var/lib/gunicorn-NAME) stays unless O(purge) says otherwise, and with it the account whose it is.
  - Debian's packages, and folders that the app could write besides its own, stay in any case.
  - An app that is not there is no fault. A folder that the roles didn't make is refused, and so is an app to which nginx
    still brings visitors, before anything changes. In check mode that is a warning, since the site may go before.
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
options:
  account_comment:
    description:
      - The comment of the accounts that were made for the app. One goes when nothing on the host is known to be its, which
        is state, a folder of O(writable_paths) or another service's unit. Without it no account goes.
    type: str
  writable_paths:
    description: Folders that the app could write besides its own.
    type: list
    elements: str
    default: []
  drain_timeout:
    description: Seconds that an instance may take to end what it has in hand.
    type: int
    default: 30
  purge:
    description: Whether the state goes, too. An empty state folder goes in any case.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Remove the app with everything that it ever wrote
  pyweb.stack.gunicorn_removal:
    name: shop
    account_comment: App shop by pyweb.stack
    purge: true
"""

RETURN = r"""
removed:
  description: What went, or would go in check mode. Paths, and accounts as C(account NAME).
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/gunicorn-shop.service, account shop, /srv/shop]
kept:
  description: What of the app stays, in the same form.
  returned: success
  type: list
  elements: str
  sample: [/var/lib/gunicorn-shop, account shop]
cut:
  description: How many connections had not ended when O(drain_timeout) was over.
  returned: success
  type: int
  sample: 0
"""

from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError
from ansible_collections.pyweb.stack.plugins.module_utils._serving.removal import Removal, RemovalError


def main() -> None:
    """Wire the module."""
    module = Module(
        "gunicorn_",
        {
            "name": {"type": "str", "required": True},
            "root": {"type": "path", "default": "/srv"},
            "account_comment": {"type": "str"},
            "writable_paths": {"type": "list", "elements": "str", "default": []},
            "drain_timeout": {"type": "int", "default": 30},
            "purge": {"type": "bool", "default": False},
        },
    )
    params = module.params
    store = Store(params["root"], params["name"])
    removal = Removal(store, params["account_comment"], params["writable_paths"], params["purge"])
    try:
        result: dict = {"removed": removal.goes(), "kept": removal.stays(), "cut": 0}
        sites = removal.sites() if result["removed"] else None
        fault = removal.fault() or (not module.check_mode and sites)
        if fault:
            module.fail_json(msg=fault)
        if result["removed"] and not module.check_mode:
            result["cut"] = removal.run(params["drain_timeout"])
    except (RemovalError, StoreError, systemd.SystemdError, OSError) as error:
        module.fail_json(msg=str(error))
    if module.check_mode and sites:
        module.warn(sites)
    if result["cut"]:
        module.warn(
            f"{result['cut']} connections to the app were closed because they were still open after "
            f"gunicorn_drain_timeout, {params['drain_timeout']} s"
        )
    diff = {"before": "".join(f"{line}\n" for line in result["removed"]), "after": ""}
    module.exit_json(changed=bool(result["removed"]), diff=diff, **result)


if __name__ == "__main__":
    main()
