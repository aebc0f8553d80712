# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of app_source: a local folder, sent only where the target lacks it."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.pyweb.stack.plugins.module_utils import _digest

_NEVER = {".git", "__pycache__"}


class ActionModule(ActionBase):
    """Digest the folder here, ask the target for it, and send it where the answer is no."""

    TRANSFERS_FILES = True

    def run(self, tmp=None, task_vars=None):
        """Run the module, a second time with an archive where the target needs one."""
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if "directory" not in arguments:
            result.update(self._ask(arguments, task_vars))
            return result

        folder = self._loader.path_dwim(os.path.expanduser(arguments["directory"]))
        paths = _files(folder)
        arguments["digest"] = _digest.of_tree(folder, paths)[: _digest.LENGTH]
        result.update(self._ask(arguments, task_vars))
        if result.get("failed") or result["path"] or self._task.check_mode:
            return result
        with tempfile.NamedTemporaryFile(suffix=".tar.gz") as archive:
            _pack(folder, paths, archive)
            remote = self._connection._shell.join_path(self._make_tmp_path(), "source.tar.gz")
            arguments["archive"] = self._transfer_file(archive.name, remote)
            result.update(self._ask(arguments, task_vars))
        self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _ask(self, arguments, task_vars):
        return self._execute_module("pyweb.stack.app_source", module_args=arguments, task_vars=task_vars)


def _files(folder: str) -> list[str]:
    """Return the files of a folder that are the source, relative to it."""
    if not os.path.isdir(folder):
        raise AnsibleActionFail(f"gunicorn_source.directory: there is no folder {folder} on the controller")
    listed = subprocess.run(
        ["git", "-C", folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = {os.fsdecode(name) for name in listed.stdout.split(b"\0") if name}
        # A tracked file that was deleted is no longer part of the source; a folder among them is a submodule.
        paths = [file for name in names if os.path.lexists(os.path.join(folder, name)) for file in _walk(folder, name)]
    else:
        paths = _walk(folder, ".")
    if not paths:
        raise AnsibleActionFail(f"gunicorn_source.directory: {folder} holds no file that git doesn't ignore")
    return paths


def _walk(folder: str, name: str) -> list[str]:
    """Return a file or link, or all of them below a folder, relative to I(folder)."""
    top = os.path.join(folder, name)
    if os.path.islink(top) or not os.path.isdir(top):
        return [name]
    found = []
    for path, folders, files in os.walk(top):
        links = [each for each in folders if os.path.islink(os.path.join(path, each))]
        folders[:] = [each for each in folders if each not in _NEVER]
        found += [os.path.relpath(os.path.join(path, each), folder) for each in files + links]
    return [each for each in found if not each.endswith(".pyc") and os.path.basename(each) != ".git"]


def _pack(folder: str, paths: list[str], archive) -> None:
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as tar:
        for path in sorted(paths):
            tar.add(os.path.join(folder, path), arcname=path, recursive=False)
    archive.flush()
