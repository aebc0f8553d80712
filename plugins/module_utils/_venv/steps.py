# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed into a virtual environment, and in which order. Private to the collection."""

from __future__ import annotations

import dataclasses

from ansible_collections.pyweb.stack.plugins.module_utils._text import naming
from ansible_collections.pyweb.stack.plugins.module_utils._venv.inputs import ANOTHER_GUNICORN, Inputs
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError
from ansible_collections.pyweb.stack.plugins.module_utils._venv.uv import UvError
from ansible_collections.pyweb.stack.plugins.module_utils._venv.workshop import Workshop

# What setuptools, hatchling, poetry-core, flit and uv's own backend say of a project that isn't laid out as a package.
_NO_PACKAGE = (
    "Multiple top-level packages discovered in a flat-layout",
    "Multiple top-level modules discovered in a flat-layout",
    "Unable to determine which files to ship inside the wheel",
    "No file/folder found for package",
    "No file/folder found for module",
    "Expected a Python module at",
)
_NOT_BUILT = (
    "The project itself was not installed, since its build backend finds no package in it; what it depends on was. Say so in "
    "its pyproject.toml, with `package = false` below [tool.uv] for instance."
)


@dataclasses.dataclass(frozen=True)
class Installed:
    """What is in an environment, each as `name==version`, and what people should know of how it came there."""

    packages: list[str]
    notes: list[str]


def install(inputs: Inputs, workshop: Workshop) -> Installed:
    """Install everything. Raises RequirementsError or UvError."""
    what, variable = inputs.file.arguments(workshop), "gunicorn_requirements_file"
    found: list[str] = []
    notes: list[str] = []
    if inputs.file.exact:
        found = workshop.install(what, variable)
        if inputs.file.itself:
            found = _with_itself(inputs.file.itself, found, workshop, notes)
        # What comes beside must leave it as it is.
        exact = [line for line in found if not (inputs.own and line.startswith("gunicorn=="))]
        what, variable = [f"--constraint={workshop.hand('exact.txt', *exact)}"], "gunicorn_requirements"
    elif inputs.extra:
        variable = "gunicorn_requirements_file or gunicorn_requirements" if what else "gunicorn_requirements"
    extra, own = list(inputs.extra), []
    if inputs.own:
        own = _whatever_else_asks_for(inputs.own, workshop)
        what = [*what, *own]
        extra += [inputs.own] if inputs.own not in extra else []
    if extra or not inputs.file.exact:
        beside = f"--requirement={workshop.hand('extra.txt', *extra)}"
        try:
            found = workshop.install([*what, beside], variable)
        except UvError as error:
            alone = inputs.file.without_itself()
            if alone is None or not _is_no_package(error):
                raise
            notes.append(_NOT_BUILT)
            what = [*alone, *own]
            found = workshop.install([*what, beside], variable)
    if not _gunicorn(found):
        beside = f"--requirement={workshop.hand('extra.txt', *extra, inputs.gunicorn)}"
        found = workshop.install([*what, beside], "gunicorn_version")
    elif inputs.asked and not inputs.own and f"gunicorn=={_gunicorn(found)}" != inputs.asked:
        # Another package, such as uvicorn-worker, has brought it.
        what = [*what, *_whatever_else_asks_for(inputs.asked, workshop)]
        beside = f"--requirement={workshop.hand('extra.txt', *extra, inputs.asked)}"
        found = workshop.install([*what, beside], "gunicorn_version")
    if _has("gevent", found) and not _has("packaging", found):
        # gunicorn's worker class for it imports that, and from version 24 on it comes with gunicorn[gevent] alone.
        beside = f"--requirement={workshop.hand('extra.txt', *extra, inputs.gunicorn, 'packaging')}"
        found = workshop.install([*what, beside], "gunicorn_requirements")
    version = _gunicorn(found)
    if int(version.partition(".")[0]) < naming.OLDEST_GUNICORN:
        raise RequirementsError(
            f"gunicorn_requirements_file or gunicorn_requirements: they bring gunicorn {version}, but it must be "
            f"{naming.OLDEST_GUNICORN} or newer: {ANOTHER_GUNICORN}"
        )
    return Installed(found, notes)


def _with_itself(folder: str, found: list[str], workshop: Workshop, notes: list[str]) -> list[str]:
    """Install the project beside what its lock has, and return what there is then."""
    try:
        return workshop.install(["--no-deps", folder], "gunicorn_requirements_file")
    except UvError as error:
        if not _is_no_package(error):
            raise
        notes.append(_NOT_BUILT)
        return found


def _whatever_else_asks_for(gunicorn: str, workshop: Workshop) -> list[str]:
    """Return what has this gunicorn take the place of any other."""
    return ["--upgrade-package=gunicorn", f"--overrides={workshop.hand('own.txt', gunicorn)}"]


def _is_no_package(error: UvError) -> bool:
    """Return whether a build backend said that it finds no package in a project, which no tool could install then."""
    return any(sign in str(error) for sign in _NO_PACKAGE)


def _has(package: str, found: list[str]) -> bool:
    return any(line.startswith(f"{package}==") for line in found)


def _gunicorn(found: list[str]) -> str:
    """Return the version of gunicorn among what is installed, nothing where it isn't there."""
    return next((line.partition("==")[2] for line in found if line.startswith("gunicorn==")), "")
