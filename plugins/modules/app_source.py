#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_source
short_description: Put an app's code on the target, named by what it is
version_added: 0.1.0
description:
  - Fetches the code of an app into C(ROOT/NAME/sources/DIGEST), where it is never changed again.
  - A source that is already there under its digest is not fetched a second time.
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
attributes:
  diff_mode:
    support: none
options:
  user:
    description: The account that may read the code besides root.
    type: str
    required: true
  git:
    description:
      - URL of a git repository, anything that C(git fetch) takes.
      - Exactly one of O(git) and O(directory) is needed.
    type: str
  version:
    description: Branch, tag or whole commit (40 hexadecimal digits) to take from O(git).
    type: str
    default: HEAD
  directory:
    description:
      - Path of a folder on the controller. Its content is sent only when the target lacks it.
      - In a git work tree these are the files that git tracks or would add, so what C(.gitignore) names stays behind;
        elsewhere it is every file but C(.git), C(__pycache__) and C(*.pyc).
    type: path
  python:
    description: The interpreter whose bytecode is compiled in.
    type: path
    default: /usr/bin/python3
  digest:
    description: Set by the action plugin. The digest of O(directory).
    type: str
  archive:
    description: Set by the action plugin. Path on the target of a tar file with the content of O(directory).
    type: path
"""

EXAMPLES = r"""
- name: Fetch the tagged version of an app
  pyweb.stack.app_source:
    name: shop
    user: shop
    git: https://git.example.com/shop.git
    version: v1.4.2
"""

RETURN = r"""
path:
  description: Folder of the source; none in check mode where it is not there yet.
  returned: always
  type: str
  sample: /srv/shop/sources/8f9b5c0d5a7e2c1b4f6a7d8e9c0b1a2f3e4d5c6b
digest:
  description: What the source is named by, a git commit or the digest of its files; none where it can't be known yet.
  returned: always
  type: str
  sample: 8f9b5c0d5a7e2c1b4f6a7d8e9c0b1a2f3e4d5c6b
version:
  description: The version that was asked for, for people to read; empty for a folder.
  returned: always
  type: str
  sample: v1.4.2
"""

import os
import shutil
import tarfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pyweb.stack.plugins.module_utils import _command
from ansible_collections.pyweb.stack.plugins.module_utils._git import GitError, Repository
from ansible_collections.pyweb.stack.plugins.module_utils._store import Store, StoreError


def main() -> None:
    """Wire the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "root": {"type": "path", "default": "/srv"},
            "user": {"type": "str", "required": True},
            "git": {"type": "str"},
            "version": {"type": "str", "default": "HEAD"},
            "directory": {"type": "path"},
            "python": {"type": "path", "default": "/usr/bin/python3"},
            "digest": {"type": "str"},
            "archive": {"type": "path"},
        },
        mutually_exclusive=[("git", "directory")],
        required_one_of=[("git", "directory")],
        supports_check_mode=True,
    )
    params = module.params
    store = Store(params["root"], params["name"], params["user"])
    result = {"changed": False, "path": None, "digest": None, "version": params["version"] if params["git"] else ""}
    try:
        repository = None
        if params["git"]:
            if module.check_mode and not shutil.which("git"):
                module.exit_json(**{**result, "changed": True})
            repository = Repository(params["git"])
            result["digest"] = repository.commit(params["version"])
        else:
            result["digest"] = params["digest"]
        path = store.item("sources", result["digest"])
        if os.path.isdir(path):
            module.exit_json(**{**result, "path": path})
        if module.check_mode or not (repository or params["archive"]):
            module.exit_json(**{**result, "changed": True})
        with store.locked("fetching its source"):
            # Another run may have fetched it while this one waited.
            if not os.path.isdir(path):
                with store.stage("sources", result["digest"]) as stage:
                    _fill(stage, repository, params, result["digest"])
    except (GitError, StoreError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**{**result, "changed": True, "path": path})


def _fill(folder: str, repository: Repository | None, params: dict, digest: str) -> None:
    if repository:
        repository.export(digest, folder)
    else:
        with tarfile.open(params["archive"]) as archive:
            _unpack(archive, folder)
    _open_to_readers(folder)
    # What does not compile is not of this Python, such as a template: the app's import decides, later.
    _command.run([params["python"], "-m", "compileall", "-qq", folder])


def _unpack(archive: tarfile.TarFile, folder: str) -> None:
    # The archive is our own; the filter, where this Python has it, keeps newer ones from warning.
    safe = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
    archive.extractall(folder, **safe)


def _open_to_readers(folder: str) -> None:
    """Give the tree to root, readable for whoever can reach it: the folder above decides who that is."""
    for path, folders, files in os.walk(folder):
        os.chown(path, 0, 0)
        os.chmod(path, 0o755)
        for name in folders + files:
            full = os.path.join(path, name)
            os.lchown(full, 0, 0)
            if os.path.isfile(full) and not os.path.islink(full):
                os.chmod(full, 0o755 if os.stat(full).st_mode & 0o100 else 0o644)


if __name__ == "__main__":
    main()
