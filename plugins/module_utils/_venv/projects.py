# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a project is to be built, and what tells it its version then. Private to the collection."""

from __future__ import annotations

import os
import re

from ansible_collections.pyweb.stack.plugins.module_utils._host import files
from ansible_collections.pyweb.stack.plugins.module_utils._venv import requirements, tables

# How tools say of a project that it is no package: each a path of tables, and the value.
_NO_PACKAGE = ((("tool", "poetry"), "package-mode"), (("tool", "uv"), "package"), (("tool", "pdm"), "distribution"))
# How a project of the old kind says that it has its version from its repository, and how its files say its name.
_BY_SCM = re.compile(r"\b(?:setuptools[_-]scm|use_scm_version)\b")
_NAMES = {"setup.cfg": r"^name\s*=\s*([\w.-]+)\s*$", "setup.py": r"""\bname\s*=\s*["']([\w.-]+)["']"""}


def is_package(pyproject: dict) -> bool:
    """Return whether a project is meant to be built and installed itself."""
    told = [tables.part(pyproject, *names).get(key) for names, key in _NO_PACKAGE]
    return "build-system" in pyproject and False not in told


def told_version(pyproject: dict) -> list[str]:
    """Return the variables by which a project learns its version that has it from its repository, which a source is not."""
    if not is_package(pyproject):
        return []
    by_tool = {
        "setuptools-scm": _of_scm(str(tables.part(pyproject, "project").get("name", ""))),
        # It knows the one alone that counts for every package.
        "hatch-vcs": _of_scm(""),
        "pdm-backend": "PDM_BUILD_SCM_VERSION",
    }
    dynamic = tables.part(pyproject, "project").get("dynamic")
    told = isinstance(dynamic, list) and "version" in dynamic
    return [variable for tool, variable in by_tool.items() if told and tool in _builds_with(pyproject)]


def told_by(line: str, folder: str | None, source: str | None) -> list[str]:
    """Return the same for the project that a line of a requirements file installs from below `folder`, if it does."""
    place = requirements.local_place(line)
    if not (folder and source and place):
        return []
    project = os.path.relpath(os.path.join(folder, place), source)
    name = os.path.normpath(os.path.join(project, "pyproject.toml"))
    pyproject = tables.load(name, files.brought_text(source, name))
    if "project" in pyproject:
        return told_version(pyproject)
    # What can't be read is told by whoever builds it.
    texts = {name: files.brought_text(source, os.path.join(project, name)) for name in _NAMES}
    if "setuptools-scm" not in _builds_with(pyproject) and not any(map(_BY_SCM.search, texts.values())):
        return []
    named = [re.search(pattern, texts[name], re.MULTILINE) for name, pattern in _NAMES.items()]
    return [_of_scm(next((found[1] for found in named if found), ""))]


def _of_scm(project: str) -> str:
    """Return the variable that setuptools-scm reads for a project, without a name that for every one."""
    name = re.sub(r"[-_.]+", "_", project).upper()
    return f"SETUPTOOLS_SCM_PRETEND_VERSION{'_FOR_' if name else ''}{name}"


def _builds_with(pyproject: dict) -> set[str]:
    lines = tables.part(pyproject, "build-system").get("requires")
    # Whoever builds it says what is wrong with another kind of value.
    named = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
    return {requirements.normalized(re.split(r"[^\w.-]", line.strip())[0]) for line in named}
