#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gunicorn_info
short_description: What is active, since when, with which workers, and what one could roll back to
version_added: 0.1.0
description:
  - Says of one app or of all what is known from their folders, from systemd and from the kernel. The app's code is not
    run, and nothing is asked of it over HTTP.
  - Needs to be root, or to be in the group of the app's account, since others may not read its releases.
extends_documentation_fragment:
  - pyweb.stack.app.attributes
attributes:
  diff_mode:
    support: none
options:
  name:
    description: The app's name. Without it all apps in O(root) are reported.
    type: str
  root:
    description: Where the folders of apps are.
    type: path
    default: /srv
author:
  - The pyweb.stack authors (@pyweb)
"""

EXAMPLES = r"""
- name: Look at the app
  pyweb.stack.gunicorn_info:
    name: shop
  register: found

- name: Show what is active, and what one could roll back to
  ansible.builtin.debug:
    msg: "{{ found.apps[0].release }} serves, and {{ found.apps[0].previous }} did before the last deploy"
"""

RETURN = r"""
apps:
  description: One dictionary an app, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The app's name.
      type: str
      sample: shop
    folder:
      description: The app's folder.
      type: str
      sample: /srv/shop
    release:
      description: The id of the active release; none where none ever did.
      type: str
      sample: 4f6a7d8e9c0b
    previous:
      description: The id of the release that the last deploy replaced, to which one can roll back; none if it is not there.
      type: str
      sample: 0b1a2f3e4d5c
    releases:
      description: The releases on the host, the latest first.
      type: list
      elements: dict
      contains:
        id:
          description: Its id.
          type: str
        version:
          description: What its source is called, such as the branch or tag.
          type: str
        wsgi_app:
          description: What gunicorn serves, in its own notation.
          type: str
        env:
          description: The names of its environment variables.
          type: list
          elements: str
        built:
          description: When it was made, in UTC and ISO 8601.
          type: str
        served:
          description: When it became active, the last time; none if it never did.
          type: str
        by:
          description: Who had it serve then, as far as that was said.
          type: str
        serves:
          description: Whether it is the active one.
          type: bool
    history:
      description:
        - The last ten events, oldest first, each with C(time), C(event) and C(release).
        - An C(event) is C(serves), with C(previous) for the release that was active before, C(refused), with C(reason),
          C(applied), with C(migrations) and C(backup), or with the C(command) of a step that has C(once), or C(restored), with
          C(backup).
      type: list
      elements: dict
    settings:
      description:
        - What gunicorn said is effective in the active release, once gunicorn.conf.py had run - C(workers),
          C(threads), C(timeout) in seconds, C(worker_class) and C(pythonpath).
      type: dict
    instance:
      description: The running release; none where no release serves.
      type: dict
      contains:
        unit:
          description: Its service.
          type: str
        state:
          description: The state of the service in systemd's words, such as C(active (running)).
          type: str
        restarts:
          description: How often systemd had to start it again.
          type: int
        memory:
          description: MiB that all its processes have together, as systemd counts them; none where it doesn't.
          type: int
        pid:
          description: gunicorn's main process; none if it doesn't run.
          type: int
        uptime:
          description: Seconds since that started.
          type: int
        workers:
          description:
            - C(pid), C(uptime) in seconds and C(memory) in MiB of each worker. Memory that workers share is counted in each.
          type: list
          elements: dict
        waiting:
          description: Connections that wait in the queue of its socket.
          type: int
        accepted:
          description: Connections that it has accepted and not ended.
          type: int
    processes:
      description:
        - What runs beside the web process (C(gunicorn_processes)), and jobs that run just now. Those of an earlier release are
          among them as long as they end what they have in hand.
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          type: str
        release:
          description: The release that it is of.
          type: str
        unit:
          description: Its unit.
          type: str
        job:
          description: Whether it is a run of a job (C(gunicorn_schedule)).
          type: bool
        state:
          description: The state of its unit in systemd's words.
          type: str
        restarts:
          description: How often systemd had to start it again.
          type: int
        memory:
          description: MiB that all its processes have together; none where systemd doesn't count them.
          type: int
        pid:
          description: Its main process; none if it doesn't run.
          type: int
        uptime:
          description: Seconds since that started.
          type: int
    schedule:
      description: What runs at its times (C(gunicorn_schedule)).
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          type: str
        at:
          description: When it runs, in systemd's calendar form.
          type: str
        next:
          description: When it runs next, in UTC and ISO 8601; none while it runs, as that is counted from its end.
          type: str
        last:
          description: When it was due the last time; none if it never was.
          type: str
        result:
          description:
            - What came of it, in systemd's words, such as C(success), C(exit-code) or C(timeout); C(running) while it runs.
            - None where it has not run since the host booted.
          type: str
    listens:
      description: Where the app can be reached on the host, the socket first.
      type: list
      elements: str
      sample: [/srv/shop/current/app.sock, "127.0.0.1:9999"]
"""

from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import StoreError
from ansible_collections.pyweb.stack.plugins.module_utils._serving import info


def main() -> None:
    """Wire the module."""
    module = Module("gunicorn_", {"name": {"type": "str"}, "root": {"type": "path", "default": "/srv"}})
    root, name = module.params["root"], module.params["name"]
    try:
        found = [info.app(root, each) for each in ([name] if name else info.apps(root))]
    except PermissionError as error:
        module.fail_json(msg=f"{error.filename} can't be read: be root, or in the group of the app's account")
    except (StoreError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, apps=found)


if __name__ == "__main__":
    main()
