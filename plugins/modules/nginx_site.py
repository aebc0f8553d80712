#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_site
short_description: Put a proved site in front of an app
version_added: 0.1.0
description:
  - Writes the nginx site of an app. nginx first tests its tree as it is, then a copy of the whole tree with the site in
    it; only then are files moved into place and nginx reloaded, never restarted. If the reload fails, what was there
    before is put back.
  - The site sends requests to the socket of whichever release serves, and serves the release's static files itself.
extends_documentation_fragment:
  - pyweb.stack.app.attributes
options:
  app:
    description: The name of the app.
    type: str
    required: true
  root:
    description: Where the app's folder is.
    type: path
    default: /srv
  server_names:
    description:
      - Host names of the site.
      - Without any it is the host's default site in C(sites-available/default), whose original is kept beside it.
    type: list
    elements: str
    default: []
  client_max_body_size:
    description: The largest request body that is accepted, in nginx's form.
    type: str
    default: 10m
author:
  - The pyweb.stack authors (@pyweb)
requirements:
  - nginx on the target, but in check mode
"""

EXAMPLES = r"""
- name: Serve the app on its own names
  pyweb.stack.nginx_site:
    app: shop
    server_names: [shop.example.com, www.shop.example.com]
"""

RETURN = r"""
path:
  description: The site's file.
  returned: success
  type: str
  sample: /etc/nginx/sites-available/gunicorn-shop
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pyweb.stack.plugins.module_utils import _nginx, _systemd


def main() -> None:
    """Wire the module."""
    module = AnsibleModule(
        argument_spec={
            "app": {"type": "str", "required": True},
            "root": {"type": "path", "default": "/srv"},
            "server_names": {"type": "list", "elements": "str", "default": []},
            "client_max_body_size": {"type": "str", "default": "10m"},
        },
        supports_check_mode=True,
    )
    params = module.params
    site = _nginx.Site(
        app=params["app"],
        folder=os.path.join(params["root"], params["app"]),
        server_names=params["server_names"],
        client_max_body_size=params["client_max_body_size"],
        ipv6=os.path.exists("/proc/net/if_inet6"),
    )
    try:
        tree = _nginx.Tree(site)
        path = os.path.join(_nginx.ETC, tree.available)
        diff = {"before": tree.before(), "after": site.text(), "before_header": path, "after_header": path}
        changed = bool(tree.changes())
        if not _nginx.installed():
            if module.check_mode:
                module.exit_json(changed=True, path=path, diff=diff)
            module.fail_json(msg="nginx is not installed on this host")
        if changed:
            tree.prove()
        if changed and not module.check_mode:
            tree.install()
        if not _nginx.ready():
            changed = True
            if not module.check_mode:
                _nginx.make_ready()
    except (_nginx.NginxError, _systemd.SystemdError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed, path=path, diff=diff)


if __name__ == "__main__":
    main()
