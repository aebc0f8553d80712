# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lines of requirements files say. Private to the collection."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._text import naming

_COMMENT = re.compile(r"(?:^|\s)#.*")
_OPTION = re.compile(r"(--[\w-]+|-\w)[\s=]*(.*)")
_NAME_AND_PLACE = re.compile(r"[\w.-]+\s*(?:\[[^]]*\])?\s*@\s*(.*)")
_AROUND_A_PATH = re.compile(r"^file:(?://)?|[\[#;].*$")
_INCLUDES = ("-r", "--requirement", "-c", "--constraint")
_GUNICORN = re.compile(r"gunicorn\s*(?:$|[\[(<>=!~;@])", re.IGNORECASE)
_GUNICORN_EXTRAS = re.compile(r"gunicorn\s*(\[[^]]*\])", re.IGNORECASE)
# A repository that is to be installed so that people can edit it, as `pip freeze` writes it.
_EDITABLE = re.compile(r"^(\s*)(?:-e|--editable)[ \t=]+(?=(?:git|hg|svn|bzr)\+)", re.MULTILINE)
# A repository that a requirement is in, as pip names it, and which of its commits.
_BY_SSH = re.compile(
    r"\bgit\+(?P<url>ssh://(?:[^\s@/:;,\"'\\\\]+@)?\w[^\s@#?;,\"'\\\\]*)(?:@(?P<version>[^\s#;\"']+))?"
)
_CLAUSE = re.compile(r"(===|==|~=|<=|<)\s*v?(\d+)((?:\.\d+)*)")
# As PowerShell writes what a command prints; without such a mark a file is UTF-8.
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class RequirementsError(Exception):
    """What is required can't be told, or can't be used; the message names the variable."""


def lines(text: str) -> Iterator[str]:
    """Yield the lines of a requirements file as pip reads them: continued ones joined, comments left out."""
    for line in text.lstrip("\ufeff").replace("\\\n", " ").splitlines():
        content = _COMMENT.sub("", line).strip()
        if content:
            yield content


def is_local(line: str) -> bool:
    """Return whether a line installs something that lies beside the file: a folder, a wheel, a folder of wheels."""
    return bool(local_place(line))


def local_place(line: str) -> str:
    """Return the path of what it installs then, without extras, and nothing where it doesn't."""
    option = _OPTION.match(line)
    if option:
        name, place = option.groups()
        local = name in ("-e", "--editable", "-f", "--find-links") and _is_path(place, named=True)
    else:
        named = _NAME_AND_PLACE.match(line)
        place = named.group(1) if named else line
        local = _is_path(place, named=bool(named))
    return _AROUND_A_PATH.sub("", (place.split() or [""])[0]) if local else ""


def names_gunicorn(line: str) -> bool:
    """Return whether a line is a requirement of gunicorn."""
    return bool(_GUNICORN.match(line))


def gunicorn_extras(line: str) -> str:
    """Return the extras in a requirement of gunicorn, such as `[gevent]`."""
    found = _GUNICORN_EXTRAS.match(line)
    return found[1] if found else ""


def is_too_old(line: str) -> bool:
    """Return whether a requirement of gunicorn leaves none that is new enough. What depends on a marker is not told."""
    if ";" in line:
        return False
    return any(
        int(major) < naming.OLDEST_GUNICORN
        or (how == "<" and int(major) == naming.OLDEST_GUNICORN and not rest.strip(".0"))
        for how, major, rest in _CLAUSE.findall(line)
    )


def normalized(name: str) -> str:
    """Return the name of a package, group or extra as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def includes(line: str) -> bool:
    """Return whether a line names another file of requirements or constraints."""
    option = _OPTION.match(line)
    return option is not None and option[1] in _INCLUDES


def without_edits(text: str) -> str:
    """Return the text of a requirements file whose repositories nobody means to edit, as nobody can where an app is deployed."""
    return _EDITABLE.sub(r"\1", text)


def names_another_index(line: str) -> bool:
    """Return whether a line names an index beside the first one."""
    option = _OPTION.match(line)
    return option is not None and option[1] == "--extra-index-url"


def repositories(text: str) -> Iterator[tuple[str, str]]:
    """Yield the URL of each repository that a requirement names by ssh, and which version of it, if it says so."""
    for found in _BY_SSH.finditer(text):
        yield found["url"], found["version"] or ""


def _is_path(place: str, named: bool) -> bool:
    """Return whether this is a path and no URL; what is not `named` as a place may also be a name on an index."""
    word = place.split()[0] if place else ""
    if word.startswith("file:"):
        return True
    looks = word in (".", "..") or word.startswith((".[", "..[")) or "/" in word
    return "://" not in word and (named or looks or word.endswith((".whl", ".zip", ".tar.gz")))


def texts(path: str, source: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts of a requirements file and all that it includes, and those of its constraints.

    Both are by path relative to the source.
    """
    required: dict[str, str] = {}
    constraints: dict[str, str] = {}
    ahead = [(path, required)]
    while ahead:
        path, found = ahead.pop()
        name, text = read(path, source)
        if name in found:
            continue
        found[name] = text
        for line in lines(text):
            option = _OPTION.match(line)
            if not option:
                continue
            if option.group(1) in _INCLUDES and option.group(2).lower().startswith("file:"):
                # Not its content: what it is, nobody knows.
                raise RequirementsError(
                    f"gunicorn_requirements_file: {name} includes {option.group(2)}: name a file in the source, relative to "
                    f"{name}"
                )
            if "://" in line:
                continue
            included = os.path.join(os.path.dirname(path), option.group(2))
            if option.group(1) in ("-r", "--requirement"):
                ahead.append((included, found))
            elif option.group(1) in ("-c", "--constraint"):
                ahead.append((included, constraints))
    return required, constraints


def read(path: str, source: str) -> tuple[str, str]:
    """Return the name of a file relative to the source, and its text. Raises RequirementsError unless it lies in there."""
    name = os.path.relpath(os.path.realpath(path), os.path.realpath(source))
    if name.startswith(".."):
        raise RequirementsError(
            f"gunicorn_requirements_file includes {os.path.realpath(path)}, which is not in the source"
        )
    try:
        with open(path, "rb") as file:
            encoding = _MARKS.get(file.read(2), "utf-8")
        with open(path, encoding=encoding) as file:
            return name, file.read()
    except UnicodeDecodeError as error:
        raise RequirementsError(
            f"gunicorn_requirements_file: {name} can't be read: {error}: save it as UTF-8"
        ) from error
    except OSError as error:
        raise RequirementsError(f"gunicorn_requirements_file: {name} can't be read: {error}") from error
