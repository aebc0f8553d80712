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
    paths = _listed(folder)
    if not paths:
        raise AnsibleActionFail(f"gunicorn_source.directory: {folder} holds no file that git doesn't ignore")
    return paths


def _listed(folder: str) -> list[str]:
    """Return the files and links below a folder, relative to it: in a git work tree those that git doesn't ignore."""
    names = _listed_by_git(folder) if _in_work_tree(folder) else _walk(folder)
    paths = []
    for name in names:
        full = os.path.join(folder, name)
        if os.path.islink(full) or os.path.isfile(full):
            paths.append(name)
        elif os.path.lexists(os.path.join(full, ".git")):
            # A submodule is a work tree of its own.
            paths += [os.path.join(name, inner) for inner in _listed(full)]
    return paths


def _in_work_tree(folder: str) -> bool:
    folder = os.path.realpath(folder)
    while not os.path.lexists(os.path.join(folder, ".git")):
        if folder == os.path.dirname(folder):
            return False
        folder = os.path.dirname(folder)
    return True


def _listed_by_git(folder: str) -> set[str]:
    """Return what git tracks or would add."""
    # The work tree may be somebody else's: list it, but run nothing that its configuration names.
    command = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-C", folder]
    command += ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    # A hook that runs the playbook has these set for its own repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(command, capture_output=True, check=True, env=environment)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        # Without git's word, what is ignored for a good reason, such as a file of secrets, would be sent.
        said = os.fsdecode(getattr(error, "stderr", b"git is not installed on the controller")).strip()
        raise AnsibleActionFail(
            f"gunicorn_source.directory: {folder} is in a git work tree, whose files can't be listed: {said}"
        ) from error
    return {os.fsdecode(name).rstrip("/") for name in done.stdout.split(b"\0") if name}


def _walk(folder: str) -> list[str]:
    """Return all below a folder but what Python and git make, relative to it."""
    found = []
    for path, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(path, name))]
        folders[:] = [name for name in folders if name not in _NEVER]
        found += [os.path.relpath(os.path.join(path, name), folder) for name in files + links]
    return [name for name in found if not name.endswith(".pyc") and os.path.basename(name) != ".git"]


def _pack(folder: str, paths: list[str], archive) -> None:
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as tar:
        for path in sorted(paths):
            tar.add(os.path.join(folder, path), arcname=path, recursive=False)
    archive.flush()
