# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into a virtual environment, and its name. Private to the collection.

There are three kinds of files that say what an app needs. Each has a class here with

`texts`, what decides, by file; `folder`, where paths in it begin; `local`, whether something is built from the source
itself; `names_gunicorn`; `exact`, whether it leaves nothing to be chosen; and `arguments()`, what uv is to install.
"""

from __future__ import annotations

import os
import re

from ansible_collections.pyweb.stack.plugins.module_utils._host import shell
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests
from ansible_collections.pyweb.stack.plugins.module_utils._venv import requirements
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError

# By what is most exact.
_FILES = ("uv.lock", "requirements.txt", "pyproject.toml")
_IN_THE_SOURCE = r'^source = \{{ (?:{}) = "{}'


class Requirements:
    """A requirements file, or none."""

    def __init__(self, source: str | None, file: str | None, chdir: str):
        self._file = os.path.join(source, file) if source and file else None
        # Beside the app's own file, else at the top, as people run pip.
        beside = file and os.path.normpath(chdir) == (os.path.dirname(file) or ".")
        self.folder = os.path.join(source, chdir) if source and beside else source
        required, constraints = requirements.texts(self._file, source) if self._file else ({}, {})
        self.texts = {**constraints, **required}
        lines = [line for text in required.values() for line in requirements.lines(text)]
        limits = [line for text in constraints.values() for line in requirements.lines(text)]
        self.local = any(map(requirements.is_local, lines))
        self.names_gunicorn = any(map(requirements.names_gunicorn, lines + limits))
        # Where one requirement of a file has a hash all of them must.
        self.exact = any("--hash=" in line for line in lines)

    def arguments(self, _workshop) -> list[str]:
        """Return what uv is to install."""
        file = [f"--requirement={self._file}"] if self._file else []
        return ["--require-hashes", *file] if self.exact else file


class Project:
    """The project table of a `pyproject.toml`: the project itself where it can be built, else what it depends on."""

    exact = names_gunicorn = False

    def __init__(self, source: str, file: str, _chdir: str):
        path = os.path.join(source, file)
        name, text = requirements.read(path, source)
        if not _has_table(text, "project"):
            raise RequirementsError(
                f"gunicorn_requirements_file is {file!r}, but it has no [project] table: name a requirements file, a "
                "uv.lock, or a pyproject.toml with one"
            )
        self.texts = {name: text}
        self.folder = os.path.dirname(path)
        package = _has_table(text, "build-system")
        self.local = package or bool(re.search(r"\b(?:path|workspace)\s*=|@\s*file:", text))
        self._what = self.folder if package else f"--requirement={path}"

    def arguments(self, _workshop) -> list[str]:
        """Return what uv is to install."""
        return [self._what]


class UvLock:
    """A `uv.lock`, made with whatever index: its versions and hashes are taken, its addresses are not."""

    exact, names_gunicorn = True, False

    def __init__(self, source: str, file: str, chdir: str):
        path = os.path.join(source, file)
        name, text = requirements.read(path, source)
        self.folder = os.path.dirname(path)
        # The app may be one member of a workspace, whose lock is at the top.
        member = os.path.relpath(os.path.join(source, chdir), self.folder)
        is_member = re.search(_IN_THE_SOURCE.format("virtual|editable", re.escape(member) + '"'), text, re.MULTILINE)
        self._project = os.path.normpath(os.path.join(self.folder, member if is_member else "."))
        projects = {os.path.join(folder, "pyproject.toml") for folder in (self.folder, self._project)}
        self.texts = {name: text, **dict(requirements.read(project, source) for project in projects)}
        self.local = any(
            re.search(_IN_THE_SOURCE.format(kind, other), text, re.MULTILINE)
            for kind, other in (("editable|directory|path", ""), ("registry", r"(?!\w+://)"))
        )

    def arguments(self, workshop) -> list[str]:
        """Return what uv is to install, as uv exports it. Raises RequirementsError where the lock doesn't fit its project."""
        argv = ["export", "--quiet", "--offline", f"--project={self._project}", "--no-dev", "--no-editable"]
        exported = workshop.ask(*argv, "--locked")
        if "Failed to generate package metadata" in exported.stderr:
            # What a local package needs is known to its build alone, which takes packages: the lock is believed.
            exported = workshop.ask(*argv, "--frozen")
        if re.match(r"error: (?:No solution found|The lockfile at .* needs to be updated)", exported.stderr):
            raise RequirementsError(
                "gunicorn_requirements_file: uv.lock no longer fits the pyproject.toml that it was made from: run "
                "`uv lock` there, and deploy what it writes"
            )
        if exported.returncode:
            raise RequirementsError(f"gunicorn_requirements_file: uv.lock can't be used: {exported.stderr.strip()}")
        return ["--no-deps", f"--requirement={workshop.hand('exported.txt', exported.stdout)}"]


class Inputs:
    """What goes into an environment.

    `source` is the sealed source, or None; `file` the file in it that says what the app needs, relative to it, or
    None; `extra` are requirement specifiers beside it; `chdir` is the folder in it where the app runs; `gunicorn` is
    the version to add where nothing brings one, and `python` the interpreter.
    """

    def __init__(self, python, source: str | None, file: str | None, extra: list[str], gunicorn: str, chdir: str = "."):
        self.python = python
        self.source = source
        self.extra = list(extra)
        kind = {"uv.lock": UvLock, "pyproject.toml": Project}.get(os.path.basename(file or ""), Requirements)
        self.file = kind(source, file, chdir)
        self.local = self.file.local or any(map(requirements.is_local, self.extra))
        named = self.file.names_gunicorn or any(map(requirements.names_gunicorn, self.extra))
        # The requirement for where nothing else brings gunicorn.
        self.gunicorn = "gunicorn" if named else f"gunicorn=={gunicorn}"

    def digest(self) -> str:
        """Return the name of the environment: the same whenever all that decides its content is."""
        return digests.of(
            {
                "python": _identity(self.python),
                "requirements": self.file.texts,
                "extra": self.extra,
                "gunicorn": self.gunicorn,
                # A requirement such as "." installs the source itself.
                "source": os.path.basename(self.source) if self.local else None,
            }
        )[: digests.LENGTH]


def find_file(source: str, chdir: str) -> str | None:
    """Return the file of a source that says what it needs, relative to it: where the app runs, or at the top."""
    for folder in dict.fromkeys([os.path.normpath(chdir), "."]):
        for name in _FILES:
            candidate = os.path.normpath(os.path.join(folder, name))
            if os.path.isfile(os.path.join(source, candidate)) and (
                # Many a pyproject.toml only configures tools.
                name != "pyproject.toml" or _has_table(requirements.read(f"{source}/{candidate}", source)[1], "project")
            ):
                return candidate
    return None


def _has_table(toml: str, table: str) -> bool:
    # Python 3.10 can't read TOML by itself.
    return re.search(rf"^\s*\[\s*{table}\s*\]", toml, re.MULTILINE) is not None


def _identity(python: str) -> list[str]:
    """Return what of an interpreter an environment depends on."""
    question = "import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform())"
    try:
        done = shell.run([python, "-I", "-c", question])
    except OSError as error:
        raise RequirementsError(f"gunicorn_python is {python!r}, which does not run: {error}") from error
    if done.returncode or not done.stdout.strip():
        said = done.stderr.strip() or "it is no Python"
        raise RequirementsError(f"gunicorn_python is {python!r}, which does not run: {said}")
    return [os.path.realpath(python), done.stdout.strip()]
