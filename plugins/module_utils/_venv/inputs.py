# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into a virtual environment, and its name. Private to the collection."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Collection

from ansible_collections.pyweb.stack.plugins.module_utils._host import sandboxes, shell
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests, naming
from ansible_collections.pyweb.stack.plugins.module_utils._venv import kinds, other_pythons, projects, requirements
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError

# The newest gunicorn that is tested.
GUNICORN = "27.0.1"
# What helps where something brings one that is too old.
ANOTHER_GUNICORN = f"give gunicorn_version, such as '{GUNICORN}', which takes its place"
_SECONDS = 60
_RELEASE = re.compile(r"\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?")
# Major and minor version, in a tag such as cpython-311.
_HAS = re.compile(r"\w+?-?(\d)(\d+)")
_BOUND = re.compile(r"(>=|>|==|~=|\^|~)\s*(\d+)\.(\d+)")


class Inputs:
    """What goes into an environment.

    `source` is the sealed source, or None; `file` the file in it that says what the app needs, relative to it, or
    None; `text` that of one which is not in the source; `groups` are those of its groups and extras that are wanted,
    too; `extra` are requirement specifiers beside it; `chdir` is the folder in it where the app runs; `gunicorn` is
    the version that was asked for, or None; `python` the interpreter; `version` what was asked for of the source, such
    as a tag. Raises RequirementsError.
    """

    def __init__(
        self,
        python: str,
        source: str | None,
        file: str | None,
        extra: list[str],
        gunicorn: str | None,
        chdir: str = ".",
        groups: list[str] | None = None,
        text: str | None = None,
        version: str = "",
    ):
        self.python = python
        self.source = source
        self.chdir = chdir
        self.extra = list(extra)
        self.groups = list(groups or [])
        if text is None:
            self.file: kinds.Kind = kinds.of(file)(source, file, chdir, self.groups)
        else:
            self.file = kinds.Requirements(source, None, chdir, self.groups, text)
        self.local = self.file.local or any(map(requirements.is_local, self.extra))
        beside = [each for line in self.extra for each in requirements.repositories(line)]
        # Versions that are wanted of the repositories that are to be had by ssh, by their URLs.
        self.repositories: dict[str, set[str]] = {}
        for url, wanted in [*self.file.repositories, *beside]:
            self.repositories.setdefault(url, set()).update(filter(None, [wanted]))
        own = list(filter(requirements.names_gunicorn, self.extra))
        named = self.file.names_gunicorn or bool(own)
        # The requirement for where nothing else brings gunicorn.
        self.gunicorn = "gunicorn" if named else f"gunicorn=={gunicorn or GUNICORN}"
        # The one that counts in place of the file's, since the user names gunicorn, too.
        self.own = ""
        if self.file.gunicorn and (own or gunicorn):
            extras = next(filter(None, map(requirements.gunicorn_extras, self.file.gunicorn)), "")
            self.own = own[0] if own else f"gunicorn{extras}=={gunicorn}"
        # The one that counts whatever brings another.
        self.asked = f"gunicorn=={gunicorn}" if gunicorn and not own else ""
        # What a build backend learns in place of what its repository would say.
        told = [name for line in self.extra for name in projects.told_by(line, self.file.folder, source)]
        self.told = dict.fromkeys(
            [*self.file.told_version, *told], _as_version(version, os.path.basename(source or ""))
        )
        for variable, lines in (
            ("gunicorn_requirements", own),
            ("gunicorn_requirements_file", [] if self.own else self.file.gunicorn),
        ):
            _refuse_old(variable, lines)

    def digest(self) -> str:
        """Return the name of the environment: the same whenever all that decides its content is."""
        self._refuse_old_python()
        # What came later has a part only where it is used, so that environments keep the names that they have.
        later = {
            "groups": sorted(map(requirements.normalized, self.groups)),
            "own": self.own,
            "told": self.told,
            "from_top": self.local and getattr(self.file, "from_top", False),
        }
        return digests.of(
            {
                "python": self._identity,
                "requirements": self.file.texts,
                "extra": self.extra,
                "gunicorn": self.gunicorn,
                # A requirement such as "." installs the source itself.
                "source": os.path.basename(self.source) if self.source and self.local else None,
                **{name: value for name, value in later.items() if value},
            }
        )[: digests.LENGTH]

    def another_python(self) -> str:
        """Return a sentence on the Python that the source names in place of the one that it gets, if it does."""
        has = _HAS.match(self._identity[1])
        version = (int(has[1]), int(has[2])) if has else None
        return other_pythons.named(version, self.file.python, self.source, self.chdir) if version else ""

    @functools.cached_property
    def _identity(self) -> list[str]:
        return _identity(self.python)

    def _refuse_old_python(self) -> None:
        has = _HAS.match(self._identity[1])
        needs = [(int(major), int(minor)) for _how, major, minor in _BOUND.findall(self.file.python)]
        if has and needs and (int(has[1]), int(has[2])) < max(needs):
            major, minor = max(needs)
            raise RequirementsError(
                f"gunicorn_python is {self.python!r}, a Python {has[1]}.{has[2]}, but the app's "
                f"{' and '.join(map(os.path.basename, self.file.texts))} asks for {self.file.python}: "
                f"{newer_python(f'{major}.{minor}')}"
            )


def _as_version(version: str, digest: str) -> str:
    """Return the version of a source as packages have it: a tag such as `v1.2.3`, or else one that says which commit it is."""
    number = re.sub(r"^(?:v|version|release)?[-_/]?(?=\d)", "", version, flags=re.IGNORECASE)
    return number if _RELEASE.fullmatch(number) else f"0.0.0+{digest[:12]}"


def newer_python(version: str) -> str:
    """Return the line to write where an app needs a newer Python than the one that it has."""
    return f'set gunicorn_python: "{version}"'


def _refuse_old(variable: str, lines: Collection[str]) -> None:
    old = list(filter(requirements.is_too_old, lines))
    if old and len(old) == len(lines):
        remedy = "have it name a newer one, or none"
        if variable == "gunicorn_requirements_file":
            remedy = f"{ANOTHER_GUNICORN}, or name a newer one there"
        shown = " ".join(old[0].split("--hash=")[0].replace("\\", "").split())
        raise RequirementsError(
            f"{variable} has {shown!r}, but gunicorn must be {naming.OLDEST_GUNICORN} or newer: {remedy}"
        )


def _asked(python: str, arguments: list[str]) -> shell.Done:
    """Run a Python: Debian's, which is part of the host, as it is, and any other as an account that owns nothing."""
    if os.path.realpath(python).startswith("/usr/bin/"):
        return shell.run([python, *arguments], identity=shell.CALLER, sandbox=None, seconds=_SECONDS)
    reads = {path: path for path in sandboxes.interpreter(python) if os.path.exists(path)}
    return sandboxes.Sandbox("", "ask its Python", reads=reads).run([python, *arguments], _SECONDS)


def _identity(python: str) -> list[str]:
    """Return what of an interpreter an environment depends on."""
    question = "import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform())"
    try:
        done = _asked(python, ["-I", "-S", "-c", question])
    except OSError as error:
        raise RequirementsError(f"gunicorn_python is {python!r}, which does not run: {error}") from error
    if done.returncode or not done.stdout.strip():
        said = done.stderr.strip() or "it is no Python"
        raise RequirementsError(f"gunicorn_python is {python!r}, which does not run: {said}")
    return [os.path.realpath(python), done.stdout.strip()]
