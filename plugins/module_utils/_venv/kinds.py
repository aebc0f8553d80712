# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of files that say what an app needs. Private to the collection."""

from __future__ import annotations

import os
import re
import typing
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._venv import lock_files, projects, requirements, tables
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError, normalized
from ansible_collections.pyweb.stack.plugins.module_utils._venv.workshop import Workshop

# What the locks of other tools are made from.
_MADE_FROM = {"Pipfile.lock": "Pipfile", "poetry.lock": "pyproject.toml", "pdm.lock": "pyproject.toml"}
_PYLOCK = re.compile(r"pylock(\.[^.]+)?\.toml")


class Kind:
    """One file, or none. Raises RequirementsError where it can't be used, or lacks one of the `groups` that are wanted."""

    # What decides, by file.
    texts: dict[str, str]
    # Where paths in it begin.
    folder: str | None
    # Whether something is built from the source itself.
    local = False
    # Whether it leaves nothing to be chosen.
    exact = False
    # The requirements of gunicorn in it, and whether its own are all that count where it has some.
    gunicorn: typing.Sequence[str] = ()
    names_gunicorn = False
    # What it says of the Python that it is for, such as `>=3.10`.
    python = ""
    # What tells a build backend the version of the project, which it would ask the repository for: names of variables.
    told_version: typing.Sequence[str] = ()
    # The repositories that are to be had by ssh, and the version that is wanted of each, if any is.
    repositories: typing.Sequence[tuple[str, str]] = ()
    # The folder of the project beside it, where that is to be installed besides.
    itself: str | None = None

    def arguments(self, workshop: Workshop) -> list[str]:
        """Return what uv is to install, where it is made ready by `workshop`."""
        raise NotImplementedError

    def without_itself(self) -> list[str] | None:
        """Return the same for a project that turns out not to be made for being built, None where that can't be."""
        return None


class Requirements(Kind):
    """A requirements file, or none. `text` is that of one which isn't in the source."""

    def __init__(self, source: str | None, file: str | None, chdir: str, groups: list[str], text: str | None = None):
        if groups:
            raise RequirementsError(
                f"gunicorn_requirements_groups is {groups!r}, but {file or 'what is required'} has no groups: name a file that "
                "has some in gunicorn_requirements_file, such as pyproject.toml or a lock, or leave them out"
            )
        self._file = os.path.join(source, file) if source and file else None
        # Beside the app's own file, else at the top, as people run pip.
        beside = file and os.path.normpath(chdir) == (os.path.dirname(file) or ".")
        self.folder = os.path.join(source, chdir) if source and beside else source
        # Paths in it begin at the top, and not where it lies.
        self.from_top = bool(file and os.path.dirname(file) and not beside)
        self._text = text
        required, constraints = requirements.texts(self._file, source) if source and self._file else ({}, {})
        if text is not None:
            required = {"gunicorn_requirements_file": text}
        self.texts = {**constraints, **required}
        lines = [line for each in required.values() for line in requirements.lines(each)]
        limits = [line for each in constraints.values() for line in requirements.lines(each)]
        if text is not None and any(map(requirements.includes, lines)):
            raise RequirementsError(
                "gunicorn_requirements_file is on the controller, but includes another file: have all in one, or have it in "
                "the source"
            )
        self.local = any(map(requirements.is_local, lines))
        # uv takes no repository that is to be edited. Where nothing goes by the place of the file, another one does without.
        (only,) = self.texts.values() if len(self.texts) == 1 and not self.local else [""]
        if requirements.without_edits(only) != only:
            self._text = requirements.without_edits(only)
        self.told_version = [name for line in lines for name in projects.told_by(line, self.folder, source)]
        self.repositories = [each for line in lines + limits for each in requirements.repositories(line)]
        self.gunicorn = list(filter(requirements.names_gunicorn, lines + limits))
        self.names_gunicorn = bool(self.gunicorn)
        # Where one requirement of a file has a hash all of them must.
        self.exact = any("--hash=" in line for line in lines)
        # As pip takes it: the newest of all indexes, not all that the first one has.
        self._options = ["--index-strategy=unsafe-best-match"] * any(map(requirements.names_another_index, lines))

    def arguments(self, workshop: Workshop) -> list[str]:
        """Return what uv is to install."""
        file = self._file
        if self._text is not None:
            file = workshop.hand("requirements.txt", self._text)
        return [
            *self._options,
            *(["--require-hashes"] if self.exact else []),
            *([f"--requirement={file}"] if file else []),
        ]


class Project(Kind):
    """The project table of a `pyproject.toml`: the project itself where it can be built, else what it depends on."""

    def __init__(self, source: str, file: str, _chdir: str, groups: list[str]):
        path = os.path.join(source, file)
        name, text = requirements.read(path, source)
        tables_ = tables.load(name, text)
        project = tables.part(tables_, "project")
        if not project:
            raise RequirementsError(
                f"gunicorn_requirements_file is {file!r}, but it has no [project] table: name a requirements file, a "
                "lock, or a pyproject.toml with one"
            )
        self.texts = {name: text}
        self.folder = os.path.dirname(path)
        self.python = project.get("requires-python", "")
        self._extras, self._groups = _chosen(groups, tables_)
        package = projects.is_package(tables_)
        self.told_version = projects.told_version(tables_)
        self.local = package or _names_a_place(tables_)
        self.repositories = list(_repositories(tables_))
        optional = tables.part(project, "optional-dependencies")
        listed = [*project.get("dependencies", []), *(line for extra in self._extras for line in _of(optional, extra))]
        grouped = tables.part(tables_, "dependency-groups")
        listed += [line for group in self._groups for line in _of_group(grouped, group)]
        self.gunicorn = list(filter(requirements.names_gunicorn, listed))
        self._path = path
        self._package = package

    def arguments(self, _workshop: Workshop) -> list[str]:
        """Return what uv is to install."""
        if not self._package:
            return self.without_itself()
        extras = f"[{','.join(self._extras)}]" if self._extras else ""
        return [f"{self.folder}{extras}", *self._of_groups()]

    def without_itself(self) -> list[str]:
        """Return what the project depends on."""
        return [f"--requirement={self._path}", *(f"--extra={extra}" for extra in self._extras), *self._of_groups()]

    def _of_groups(self) -> list[str]:
        return [f"--group={self._path}:{group}" for group in self._groups]


class UvLock(Kind):
    """A `uv.lock`, made with whatever index: its versions and hashes are taken, its addresses are not."""

    exact = True

    def __init__(self, source: str, file: str, chdir: str, groups: list[str]):
        path = os.path.join(source, file)
        name, text = requirements.read(path, source)
        lock = tables.load(name, text)
        self.folder = os.path.dirname(path)
        self.python = lock.get("requires-python", "")
        sources = [package.get("source", {}) for package in lock.get("package", [])]
        # The app may be one member of a workspace, whose lock is at the top.
        member = os.path.relpath(os.path.join(source, chdir), self.folder)
        is_member = any(member in (each.get("virtual"), each.get("editable")) for each in sources)
        self._project = os.path.normpath(os.path.join(self.folder, member if is_member else "."))
        paths = {os.path.join(folder, "pyproject.toml") for folder in (self.folder, self._project)}
        beside = dict(requirements.read(path, source) for path in paths)
        self.texts = {name: text, **beside}
        self.local = any(
            {"editable", "directory", "path"} & set(each) or "://" not in each.get("registry", "://")
            for each in sources
        )
        self.repositories = [each for source in sources for each in _repositories(source)]
        self.told_version = [name for each in beside.items() for name in projects.told_version(tables.load(*each))]
        self.gunicorn = [
            f"gunicorn=={each.get('version')}" for each in lock.get("package", []) if each.get("name") == "gunicorn"
        ]
        self._options = []
        if groups:
            extras, others = _chosen(groups, *(tables.load(*each) for each in beside.items()))
            self._options = [*(f"--extra={extra}" for extra in extras), *(f"--group={group}" for group in others)]

    def arguments(self, workshop: Workshop) -> list[str]:
        """Return what uv is to install, as uv exports it. Raises RequirementsError where the lock doesn't fit its project."""
        argv = [
            "export",
            "--quiet",
            "--offline",
            f"--project={self._project}",
            "--no-dev",
            "--no-editable",
            *self._options,
        ]
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


class OtherLock(Kind):
    """The lock of another tool: its versions and hashes are taken, its addresses of packages are not."""

    exact = True

    def __init__(self, source: str, file: str, _chdir: str, groups: list[str]):
        path = os.path.join(source, file)
        name, text = requirements.read(path, source)
        self.folder = os.path.dirname(path)
        kind = "pylock.toml" if _PYLOCK.fullmatch(os.path.basename(file)) else os.path.basename(file)
        made_from = os.path.join(self.folder, _MADE_FROM.get(kind, ""))
        beside = {}
        if os.path.isfile(made_from):
            beside[os.path.basename(made_from)] = requirements.read(made_from, source)[1]
        locked = lock_files.read(kind, text, beside, groups, self.folder)
        _refuse_unknown(groups, locked.groups)
        self.texts = {name: text}
        self.python = locked.python
        self._lines = locked.lines
        # Whatever its marker: a lock has the one that its own tool would install.
        self.gunicorn = [line.split(" ")[0] for line in self._lines if requirements.names_gunicorn(line)]
        project = tables.load("pyproject.toml", beside.get("pyproject.toml", ""))
        if projects.is_package(project):
            self.itself, self.told_version = self.folder, projects.told_version(project)
        self.local = bool(self.itself) or any(map(requirements.is_local, self._lines))
        self.repositories = [each for line in self._lines for each in requirements.repositories(line)]

    def arguments(self, workshop: Workshop) -> list[str]:
        """Return what uv is to install."""
        return ["--no-deps", f"--requirement={workshop.hand('locked.txt', *self._lines)}"]


def of(file: str | None) -> typing.Callable[..., Kind]:
    """Return the kind of a file by its name."""
    name = os.path.basename(file or "")
    if name in _MADE_FROM or _PYLOCK.fullmatch(name):
        return OtherLock
    kinds: dict[str, typing.Callable[..., Kind]] = {"uv.lock": UvLock, "pyproject.toml": Project}
    return kinds.get(name, Requirements)


def _names_a_place(value: object) -> bool:
    """Return whether something in a `pyproject.toml` is said to lie beside it."""
    if isinstance(value, dict):
        return any(key in ("path", "workspace") or _names_a_place(each) for key, each in value.items())
    if isinstance(value, list):
        return any(map(_names_a_place, value))
    return isinstance(value, str) and bool(re.search(r"@\s*file:", value))


def _repositories(value: object) -> Iterator[tuple[str, str]]:
    """Yield what a `pyproject.toml` or a `uv.lock` has of repositories by ssh, as uv or pip writes it."""
    if isinstance(value, dict):
        if "git" in value:
            # In a lock, what was asked for and the commit are behind it.
            url, _hash, commit = str(value["git"]).partition("#")
            version = commit or next((str(value[key]) for key in ("rev", "tag", "branch") if key in value), "")
            url = url.partition("?")[0]
            yield from requirements.repositories(f"git+{url}{f'@{version}' if version else ''}")
        for each in value.values():
            yield from _repositories(each)
    elif isinstance(value, list):
        for each in value:
            yield from _repositories(each)
    elif isinstance(value, str):
        yield from requirements.repositories(value)


def _chosen(groups: list[str], *projects: dict) -> tuple[list[str], list[str]]:
    """Return which of the groups that are wanted are extras of these projects, and which are dependency groups."""
    extras, others = set(), set()
    for project in projects:
        extras |= set(map(normalized, tables.part(project, "project", "optional-dependencies")))
        others |= set(map(normalized, tables.part(project, "dependency-groups")))
    _refuse_unknown(groups, extras | others)
    wanted = list(dict.fromkeys(map(normalized, groups)))
    return [each for each in wanted if each in extras], [each for each in wanted if each not in extras]


def _refuse_unknown(groups: list[str], known: set[str]) -> None:
    unknown = [group for group in groups if normalized(group) not in known]
    if unknown:
        raise RequirementsError(
            f"gunicorn_requirements_groups has {unknown[0]!r}, but there is no such group or extra; there are "
            f"{', '.join(sorted(known)) or 'none'}"
        )


def _of(groups: dict, name: str) -> list:
    return next((lines for group, lines in groups.items() if normalized(group) == name), [])


def _of_group(groups: dict, name: str) -> Iterator[str]:
    """Yield the requirements of a dependency group and of those that it includes. That none includes itself uv sees to."""
    ahead, met = [name], set[str]()
    while ahead:
        name = ahead.pop()
        lines = [] if name in met else _of(groups, name)
        met.add(name)
        ahead += [normalized(line.get("include-group", "")) for line in lines if isinstance(line, dict)]
        yield from (line for line in lines if isinstance(line, str))
