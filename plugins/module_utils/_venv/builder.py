# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a virtual environment. Private to the collection."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile

from ansible_collections.pyweb.stack.plugins.module_utils._venv import steps
from ansible_collections.pyweb.stack.plugins.module_utils._venv.inputs import Inputs
from ansible_collections.pyweb.stack.plugins.module_utils._venv.uv import Uv

_RECORD = "installed.txt"


def build(inputs: Inputs, stage: str, uv: Uv) -> list[str]:
    """Install everything into an environment at `stage`, which keeps working after a rename.

    Returns what people should know of it. Raises RequirementsError or UvError.
    """
    new = ["venv", "--quiet", "--relocatable", "--allow-existing", f"--python={inputs.python}", stage]
    uv.require(*new, variable="gunicorn_python")
    with _work(inputs, os.path.dirname(stage)) as (work, within):
        made = steps.install(inputs, _Workshop(inputs, stage, uv, work, within))
    # uv leaves its lock file behind, which anybody could write.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(stage, ".lock"))
    return made.notes


def installed(venv: str) -> list[str]:
    """Return what is in an environment, each as `name==version`."""
    with open(os.path.join(venv, _RECORD), encoding="utf-8") as record:
        return record.read().splitlines()


def foreign_python(venv: str) -> str:
    """Return the folder of the interpreter of an environment, with its libraries, where it isn't one of Debian's."""
    folder = os.path.dirname(os.path.dirname(os.path.realpath(os.path.join(venv, "bin", "python"))))
    return "" if folder == "/usr" else folder


class _Workshop:
    """The folder `work` beside the environment at `stage`, for which uv runs `within` another command."""

    def __init__(self, inputs: Inputs, stage: str, uv: Uv, work: str, within: list[str]):
        self._inputs = inputs
        self._stage = stage
        self._uv = uv
        self._work = work
        self._within = within

    def install(self, arguments: list[str], variable: str) -> list[str]:
        python, folder = f"{self._stage}/bin/python", self._inputs.file.folder
        found = self._uv.install(python, arguments, variable, folder, self._within)
        _write(self._stage, _RECORD, *found)
        return found

    def ask(self, *arguments: str):
        python, folder = f"--python={self._inputs.python}", self._inputs.file.folder
        return self._uv.ask(*arguments, python, cwd=folder, within=self._within)

    def hand(self, name: str, *lines: str) -> str:
        return _write(self._work, name, *lines)


@contextlib.contextmanager
def _work(inputs: Inputs, beside: str):
    """Yield a folder for files in between, and a command within which the source may be written to.

    Building a package leaves files in its folder. So a copy of the source is mounted over it, for that command alone:
    paths that are recorded, such as those of editable packages, are right, and the sealed source stays as it is.
    """
    # As the stage of an environment: a later run clears away what a killed one left.
    with tempfile.TemporaryDirectory(prefix=".stage-", dir=beside) as work:
        if not inputs.local:
            yield work, []
            return
        copy = os.path.join(work, "source")
        shutil.copytree(inputs.source, copy, symlinks=True)
        script = 'mount --bind "$1" "$2" && cd "$PWD" && shift 2 && exec "$@"'
        yield work, ["unshare", "--mount", "sh", "-c", script, "sh", copy, inputs.source]


def _write(folder: str, name: str, *lines: str) -> str:
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    return path
