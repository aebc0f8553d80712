# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file of a source says what an app needs. Private to the collection."""

from __future__ import annotations

import dataclasses
import fnmatch
import os
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._venv import requirements, tables
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError

# By what is most exact.
_FILES = ("uv.lock", "pylock.toml", "requirements.txt", "Pipfile.lock", "poetry.lock", "pdm.lock", "pyproject.toml")
_IN_A_FOLDER = ("requirements/production.txt", "requirements/prod.txt", "requirements/base.txt")
# What else says something of what is needed, and what to do with it.
_NAME_IT = "name the one that counts in gunicorn_requirements_file"
_ITSELF = "gunicorn_requirements: ['.'] installs the source itself"
_EXPORT = "export a requirements.txt from it"
_COMPILE = "run `pip-compile` or `uv pip compile`, and deploy what that writes"
_LOCK = "run `pipenv lock`, and deploy what that writes"
_OTHERS = {
    "requirements*.txt": _NAME_IT,
    "requirements/*.txt": _NAME_IT,
    "*/requirements*.txt": _NAME_IT,
    "*/requirements/*.txt": _NAME_IT,
    **{f"*/{name}": _NAME_IT for name in _FILES},
    "pylock.*.toml": _NAME_IT,
    "*/pylock.*.toml": _NAME_IT,
    "requirements*.in": _COMPILE,
    "requirements/*.in": _COMPILE,
    "*/requirements/*.in": _COMPILE,
    "Pipfile": _LOCK,
    "*/Pipfile": _LOCK,
    "setup.py": _ITSELF,
    "setup.cfg": _ITSELF,
    "environment.yml": _EXPORT,
    "environment.yaml": _EXPORT,
    "conda-lock.yml": _EXPORT,
}
_NOT_OF_THE_APP = ("doc", "docs", "example", "examples", "node_modules", "test", "tests")


@dataclasses.dataclass(frozen=True)
class Found:
    """The file, relative to the source, if there is one, and what of its like lies beside it and doesn't count."""

    file: str | None
    passed_over: list[str]


def find(source: str, chdir: str) -> Found:
    """Look where the app runs, and then at the top."""
    folders = list(dict.fromkeys([os.path.normpath(chdir), "."]))
    for names in (_FILES, _IN_A_FOLDER):
        for folder in folders:
            paths = _paths(folder, names)
            found = next((path for path in paths if _says_something(source, path)), None)
            if found:
                return Found(found, list(_passed_over(source, found, folders)))
    return Found(None, [])


def _passed_over(source: str, found: str, folders: list[str]) -> Iterator[str]:
    """Yield what somebody may have meant to count beside the file that was found."""
    folder, name = os.path.split(found)
    if name == "pyproject.toml" and "dependencies" not in _project(source, found).get("dynamic", []):
        paths = dict.fromkeys(path for each in folders for path in _paths(each, _IN_A_FOLDER))
        yield from sorted(path for path in paths if os.path.isfile(os.path.join(source, path)))
    for other in sorted(os.listdir(os.path.join(source, folder))):
        is_lock = other in _FILES and other not in ("pyproject.toml", name)
        if (name == "requirements.txt" and is_lock) or (
            name == "base.txt" and other.endswith(".txt") and other != name
        ):
            yield os.path.join(folder, other)


def refuse_unread(source: str, chdir: str) -> None:
    """Raise RequirementsError where no file is found, yet something lies there that says what is needed."""
    there = dict(_unread(source, chdir))
    if there:
        of = {what: [path for path in there if there[path] == what] for what in there.values()}
        # Whose remedy it is, there is no need to say of the only one.
        remedies = [
            what if what == _NAME_IT or len(of) == 1 else f"of {' and '.join(paths)}: {what}"
            for what, paths in of.items()
        ]
        raise RequirementsError(
            "gunicorn_requirements_file is not given, and the source has none of the files that say by themselves what an "
            f"app needs. It has {', '.join(there)}: {'; '.join(remedies)}; or list in gunicorn_requirements what the app needs"
        )


def _unread(source: str, chdir: str) -> Iterator[tuple[str, str]]:
    for folder in dict.fromkeys([os.path.normpath(chdir), "."]):
        for path in _within(source, folder):
            inside = os.path.relpath(path, folder)
            for pattern, remedy in _OTHERS.items():
                locked = remedy == _LOCK and os.path.isfile(os.path.join(source, f"{path}.lock"))
                if fnmatch.fnmatchcase(inside, pattern) and inside.count("/") == pattern.count("/") and not locked:
                    yield path, remedy
        project = os.path.normpath(os.path.join(folder, "pyproject.toml"))
        if os.path.isfile(os.path.join(source, project)):
            tool = tables.part(tables.load(*requirements.read(os.path.join(source, project), source)), "tool")
            if "dependencies" in tables.part(tool, "poetry"):
                yield project, "run `poetry lock`, and deploy what that writes"


def _within(source: str, folder: str, levels: int = 2) -> Iterator[str]:
    """Yield the files in a folder of the source and, so many levels down, in the folders in it, relative to the source."""
    top = os.path.join(source, folder)
    for entry in sorted(os.scandir(top), key=lambda each: each.name) if os.path.isdir(top) else []:
        path = os.path.normpath(os.path.join(folder, entry.name))
        of_the_app = not entry.name.startswith(".") and entry.name not in _NOT_OF_THE_APP
        if entry.is_file():
            yield path
        elif levels and of_the_app and entry.is_dir(follow_symlinks=False):
            yield from _within(source, path, levels - 1)


def _paths(folder: str, names: tuple[str, ...]) -> list[str]:
    return [os.path.normpath(os.path.join(folder, name)) for name in names]


def _says_something(source: str, file: str) -> bool:
    path = os.path.join(source, file)
    if not os.path.isfile(path):
        return False
    # Many a pyproject.toml only configures tools.
    return os.path.basename(file) != "pyproject.toml" or bool(_project(source, file))


def _project(source: str, file: str) -> dict:
    """Return the project table of a `pyproject.toml`, empty where it has none."""
    return tables.part(tables.load(*requirements.read(os.path.join(source, file), source)), "project")
