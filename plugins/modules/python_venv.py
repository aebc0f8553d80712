#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: python_venv
short_description: Build a virtual environment named by what is in it
version_added: 0.1.0
description:
  - Installs requirements with a pinned C(uv) into C(ROOT/NAME/venvs/DIGEST), owned by root, bytecode compiled.
  - The digest covers the requirements with all files they include, and the interpreter. An environment that is
    there under its digest is whole, since it got its name last, and is used again.
  - The index is that of the host's pip configuration.
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
attributes:
  diff_mode:
    support: none
options:
  user:
    description: The account that may use the environment besides root.
    type: str
    required: true
  source:
    description: Folder of the sealed source that the requirements come from; empty in check mode where it isn't there yet.
    type: path
  chdir:
    description: Folder inside the source where the app runs. Its C(requirements.txt) comes before that at the top.
    type: str
    default: .
  requirements_file:
    description: A requirements file in the source, relative to its top, in place of the one found.
    type: str
  requirements:
    description: Requirement specifiers to install beside those of the file.
    type: list
    elements: str
    default: []
  gunicorn_version:
    description: The gunicorn to install where no requirement names gunicorn.
    type: str
    required: true
  python:
    description: The interpreter.
    type: path
    default: /usr/bin/python3
"""

EXAMPLES = r"""
- name: Build the environment of an app
  pyweb.stack.python_venv:
    name: shop
    user: shop
    source: /srv/shop/sources/8f9b5c0d5a7e2c1b4f6a7d8e9c0b1a2f3e4d5c6b
    requirements: [psycopg]
    gunicorn_version: 27.0.1
"""

RETURN = r"""
path:
  description: Folder of the environment; none in check mode where it is not there yet.
  returned: always
  type: str
  sample: /srv/shop/venvs/1b4f6a7d8e9c0b1a2f3e4d5c6b8f9b5c0d5a7e2c
requirements_file:
  description: The requirements file that was used, relative to the source; none where there is none.
  returned: always
  type: str
  sample: requirements.txt
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pyweb.stack.plugins.module_utils import _venv
from ansible_collections.pyweb.stack.plugins.module_utils._store import Store, StoreError


def main() -> None:
    """Wire the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "root": {"type": "path", "default": "/srv"},
            "user": {"type": "str", "required": True},
            "source": {"type": "path"},
            "chdir": {"type": "str", "default": "."},
            "requirements_file": {"type": "str"},
            "requirements": {"type": "list", "elements": "str", "default": []},
            "gunicorn_version": {"type": "str", "required": True},
            "python": {"type": "path", "default": "/usr/bin/python3"},
        },
        supports_check_mode=True,
    )
    params = module.params
    store = Store(params["root"], params["name"], params["user"])
    source, file = params["source"], params["requirements_file"]
    if module.check_mode and file and not source:
        module.exit_json(changed=True, path=None, requirements_file=file)
    if file and not (source and os.path.isfile(os.path.join(source, file))):
        module.fail_json(msg=f"gunicorn_requirements_file is {file!r}, but the source has no such file")
    if source and not file:
        file = _venv.find_file(source, params["chdir"])
    try:
        lock = _venv.Lock(
            params["python"], source, file, params["requirements"], params["gunicorn_version"], params["chdir"]
        )
        name = lock.digest()
        path = store.item("venvs", name)
        if os.path.isdir(path):
            module.exit_json(changed=False, path=path, requirements_file=file)
        if module.check_mode:
            module.exit_json(changed=True, path=None, requirements_file=file)
        with store.locked("building its virtual environment"):
            # Another run may have built it while this one waited.
            if not os.path.isdir(path):
                with store.stage("venvs", name) as stage:
                    _venv.build(lock, stage)
    except (_venv.VenvError, StoreError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, path=path, requirements_file=file)


if __name__ == "__main__":
    main()
