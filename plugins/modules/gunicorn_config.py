#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gunicorn_config
short_description: Check gunicorn settings with the gunicorn that will use them, and render them
version_added: 0.1.0
description:
  - Asks the gunicorn of a virtual environment which settings it has, and has it validate each value. Names it doesn't
    know, which gunicorn itself ignores in silence, are refused with the nearest right one.
  - Refuses what gunicorn accepts, and then doesn't start with or silently does otherwise, such as no workers, a log where
    the service can't write, or a limit beyond gunicorn's own. All errors are reported at once, before anything is written.
  - Reads the user's own Python without running it, and refuses settings that this file may not change.
  - Returns the text of a C(gunicorn.conf.py). That is for M(pyweb.stack.gunicorn_release), which proves it in the release,
    and settings that belong to the design of releases, such as C(bind), are refused with what to use instead.
  - With O(dest) it writes the file, for a unit of your own, and only settings that this module's options say are refused.
  - With O(user), too, a changed file is proved before it is written. As that account, with O(env) and in the sandbox of
    the collection's services, gunicorn opens logs and certificates as at a start, and loads the app, which must fit its
    worker class. Nothing listens, no worker starts, and check mode does without. Without O(user) no Python of the
    app or of O(conf_file) runs, and files are looked for with the rights of whoever runs the module.
extends_documentation_fragment:
  - pyweb.stack.app.attributes
attributes:
  platform:
    platforms: posix
options:
  python:
    description: The interpreter of the virtual environment. In check mode it may not be there yet.
    type: path
  wsgi_app:
    description: What gunicorn serves, in its own notation, such as C(shop.wsgi:application).
    type: str
    required: true
  chdir:
    description:
      - The folder to run in, from which C(wsgi_app) is imported, and where relative paths begin.
      - Without it the settings don't say one, and the proof runs in C(/).
    type: path
  settings:
    description: Settings by gunicorn's own names.
    type: dict
    default: {}
  conf_file:
    description:
      - The user's own Python, which comes after the settings, so what it sets wins. A path relative to O(chdir), or
        where O(conf_text) is given just the file's name for messages.
    type: str
  conf_text:
    description: The text of O(conf_file), where that is a file on the controller.
    type: str
  dest:
    description: Where to write the file, with mode 0644, for a unit of your own. Without it nothing is written.
    type: path
  user:
    description: Account of your own unit, not root, as which a file for O(dest) is proved; needs root and systemd.
    type: str
  env:
    description:
      - Environment of the proof. Values are text; they appear in no output and no log. Without pipelining
        Ansible itself keeps them in a file of whoever runs this while the module runs.
    type: dict
    default: {}
  writable_paths:
    description:
      - Folders that the service may write. Without O(dest) a log must be below one of them, or C(-), systemd's journal.
      - They have to be there for the proof.
    type: list
    elements: str
    default: []
  unit:
    description:
      - Properties of systemd for the proof, in place of those of the sandbox, by name; several lines of one in a list. For
        instance C(ProtectHome) C(read-only) for an app below C(/home).
    type: dict
    default: {}
author:
  - The pyweb.stack authors (@pyweb)
"""

EXAMPLES = r"""
- name: Write a configuration that this gunicorn understands
  pyweb.stack.gunicorn_config:
    python: /opt/shop/venv/bin/python
    wsgi_app: shop.wsgi:application
    chdir: /opt/shop/src
    settings:
      workers: 5
      timeout: 60
    dest: /opt/shop/gunicorn.conf.py

- name: Prove it as the service before it is written
  pyweb.stack.gunicorn_config:
    python: /opt/shop/venv/bin/python
    wsgi_app: shop.wsgi:application
    chdir: /opt/shop/src
    settings:
      bind: unix:/run/shop/shop.sock
      accesslog: /var/log/shop/access.log
    user: shop
    env:
      SECRET_KEY: "{{ vault_secret_key }}"
    writable_paths: [/var/log/shop]
    dest: /opt/shop/gunicorn.conf.py
"""

RETURN = r"""
content:
  description: The text of the file; none in check mode where the environment is not there yet.
  returned: always
  type: str
graceful_timeout:
  description: Seconds that gunicorn gives its workers to end what they have in hand, given or default.
  returned: when the environment is there
  type: int
  sample: 30
version:
  description: The version of the environment's gunicorn.
  returned: when the environment is there
  type: str
  sample: 27.0.1
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.gunicorn_config import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
