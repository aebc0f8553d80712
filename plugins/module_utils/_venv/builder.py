# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a virtual environment. Private to the collection."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile

from ansible_collections.pyweb.stack.plugins.module_utils._text import naming
from ansible_collections.pyweb.stack.plugins.module_utils._venv.inputs import Inputs, RequirementsError
from ansible_collections.pyweb.stack.plugins.module_utils._venv.uv import Uv

_RECORD = "installed.txt"


def build(inputs: Inputs, stage: str, uv: Uv) -> None:
    """Install everything into an environment at `stage`, which keeps working after a rename.

    Raises RequirementsError or UvError.
    """
    new = ["venv", "--quiet", "--relocatable", "--allow-existing", f"--python={inputs.python}", stage]
    uv.require(*new, variable="gunicorn_python")
    with _work(inputs, os.path.dirname(stage)) as (work, within):

        def install(arguments: list[str], variable: str) -> None:
            _write(stage, _RECORD, *uv.install(f"{stage}/bin/python", arguments, variable, inputs.file.folder, within))

        def ask(*arguments: str):
            return uv.ask(*arguments, f"--python={inputs.python}", cwd=inputs.file.folder, within=within)

        what, variable = inputs.file.arguments(ask, work), "gunicorn_requirements_file"
        if inputs.file.exact:
            install(what, variable)
            # What comes beside must leave it as it is.
            what, variable = [f"--constraint={_write(work, 'exact.txt', *installed(stage))}"], "gunicorn_requirements"
        elif inputs.extra:
            variable = "gunicorn_requirements_file or gunicorn_requirements" if what else "gunicorn_requirements"
        if inputs.extra or not inputs.file.exact:
            install([*what, f"--requirement={_write(work, 'extra.txt', *inputs.extra)}"], variable)
        if not any(line.startswith("gunicorn==") for line in installed(stage)):
            install(
                [*what, f"--requirement={_write(work, 'extra.txt', *inputs.extra, inputs.gunicorn)}"],
                "gunicorn_version",
            )
    (version,) = (line.partition("==")[2] for line in installed(stage) if line.startswith("gunicorn=="))
    if int(version.partition(".")[0]) < naming.OLDEST_GUNICORN:
        raise RequirementsError(
            f"gunicorn_requirements_file or gunicorn_requirements: they bring gunicorn {version}, but it must be "
            f"{naming.OLDEST_GUNICORN} or newer: have them name such a one, or none"
        )
    # uv leaves its lock file behind, which anybody could write.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(stage, ".lock"))


def installed(venv: str) -> list[str]:
    """Return what is in an environment, each as `name==version`."""
    with open(os.path.join(venv, _RECORD), encoding="utf-8") as record:
        return record.read().splitlines()


def foreign_python(venv: str) -> str:
    """Return the folder of the interpreter of an environment, with its libraries, where it isn't one of Debian's."""
    folder = os.path.dirname(os.path.dirname(os.path.realpath(os.path.join(venv, "bin", "python"))))
    return "" if folder == "/usr" else folder


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
