# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the locks of other tools say, as lines of a requirements file. Private to the collection.

A lock is read only where it says by itself, package by package, what belongs to which group, on which platform, with which
hashes: then nothing is left to be resolved, and the lines are what its own tool would install. Any index will do, since
addresses of packages on one are not taken.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._venv import tables
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError, normalized

# In a marker, what is known already; uv knows no other word for it.
_ALWAYS, _NEVER = "python_version >= '0'", "python_version < '0'"
_EXTRA = re.compile(r"""extra\s*(==|!=)\s*(?P<quote>["'])(?P<name>[^"']+)(?P=quote)""")
_IN_GROUPS = re.compile(
    r"""(?P<quote>["'])(?P<name>[^"']+)(?P=quote)\s+(?P<how>in|not\s+in)\s+(?:extras|dependency_groups)"""
)
# host:path, as git and ssh have it.
_SCP = re.compile(r"(?!\w+://)([^/:]+):(?!//)(.*)")


@dataclasses.dataclass(frozen=True)
class Locked:
    """What a lock says.

    `lines` are those of a requirements file, `groups` all that can be asked for by name, `python` what it says of the
    Python that it is for, such as `>=3.10`.
    """

    lines: list[str]
    groups: set[str]
    python: str


def read(name: str, text: str, beside: dict[str, str], groups: list[str], folder: str) -> Locked:
    """Return what the lock file `name` says of what production needs, and of what is in `groups`.

    `beside` has the texts of the files that it may have been made from, `folder` is where paths in it begin. Raises
    RequirementsError where it can't be taken as it is.
    """
    wanted = {normalized(group) for group in groups}
    if name == "Pipfile.lock":
        return _pipfile(text, beside, wanted, folder)
    lock = tables.load(name, text)
    if name == "poetry.lock":
        return _poetry(lock, beside, wanted, folder)
    if name == "pdm.lock":
        return _pdm(lock, beside, wanted, folder)
    return _pylock(lock, wanted, folder)


def _pipfile(text: str, beside: dict[str, str], wanted: set[str], folder: str) -> Locked:
    try:
        lock = json.loads(text)
        meta = lock.pop("_meta")
    except (ValueError, KeyError) as error:
        raise _fault("Pipfile.lock", "can't be read", "run `pipenv lock`") from error
    if "Pipfile" in beside and _hash_of_pipfile(beside["Pipfile"]) != meta.get("hash", {}).get("sha256"):
        raise _fault("Pipfile.lock", "no longer fits the Pipfile that it was made from", "run `pipenv lock`")
    by_group = {"default" if name == "default" else normalized(name): packages for name, packages in lock.items()}
    lines = []
    for group in ["default", *sorted(wanted & set(by_group))]:
        for package, entry in by_group.get(group, {}).items():
            lines.append(_of_pipfile(package, entry, folder))
    python = meta.get("requires", {}).get("python_version", "")
    return Locked(_once(lines), set(by_group) - {"default"}, f">={python}" if python else "")


def _of_pipfile(name: str, entry: dict, folder: str) -> str:
    marker = entry.get("markers", "")
    if "git" in entry:
        return _at(name, _git(entry["git"], entry.get("ref"), entry.get("subdirectory")), marker)
    for key in ("path", "file"):
        if key in entry:
            # Its key may be one that pipenv made up.
            return " ".join([_place(entry[key], folder), *([f"; {marker}"] if marker else [])])
    return _pinned(name, entry.get("version", "").removeprefix("=="), entry.get("hashes", []), marker, "Pipfile.lock")


def _hash_of_pipfile(text: str) -> str:
    """Return the digest by which pipenv knows a Pipfile again."""
    pipfile = tables.load("Pipfile", text)
    of_pipenv = ("source", "packages", "dev-packages", "requires", "scripts", "pipfile", "pipenv")
    default = [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}]
    content = {
        "_meta": {"sources": pipfile.get("source", default), "requires": pipfile.get("requires", {})},
        "default": pipfile.get("packages", {}),
        "develop": pipfile.get("dev-packages", {}),
        **{name: packages for name, packages in pipfile.items() if name not in of_pipenv},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _poetry(lock: dict, beside: dict[str, str], wanted: set[str], folder: str) -> Locked:
    metadata = tables.part(lock, "metadata")
    if not re.fullmatch(r"2\.[1-9]\d*", str(metadata.get("lock-version"))):
        raise _fault(
            "poetry.lock",
            f"is of the version {metadata.get('lock-version')}, which leaves open what of it is for production",
            "run `poetry lock` with Poetry 2, or `poetry export --output=requirements.txt` (of poetry-plugin-export)",
        )
    packages = lock.get("package", [])
    _refuse_unfit("poetry.lock", packages, beside, "poetry lock")
    groups = {"main", *wanted}

    def lines() -> Iterator[str]:
        for package in packages:
            if {normalized(group) for group in package["groups"]} & groups:
                marker = _replaced(_EXTRA, _of_groups(package, groups), lambda found: found["name"] in wanted)
                yield _of_poetry(package, marker, folder)

    known = {normalized(group) for package in packages for group in package["groups"]} - {"main"}
    return Locked(_once(lines()), known | set(tables.part(lock, "extras")), metadata.get("python-versions", ""))


def _of_groups(package: dict, groups: set[str]) -> str:
    """Return the marker of a package, which may be another one in each of its groups."""
    markers = package.get("markers", "")
    if isinstance(markers, str):
        return markers
    ours = [markers.get(group, "") for group in package["groups"] if normalized(group) in groups]
    return " or ".join(f"({marker})" for marker in ours) if all(ours) else ""


def _of_poetry(package: dict, marker: str, folder: str) -> str:
    source = tables.part(package, "source")
    name, url, kind = package["name"], source.get("url", ""), source.get("type", "legacy")
    if kind == "git":
        return _at(name, _git(url, source.get("resolved_reference"), source.get("subdirectory")), marker)
    hashes = [file["hash"] for file in package.get("files", [])]
    if kind in ("directory", "file"):
        return _at(name, _place(url, folder), marker, hashes)
    if kind == "url":
        return _at(name, url, marker, hashes)
    return _pinned(name, package["version"], hashes, marker, "poetry.lock")


def _pdm(lock: dict, beside: dict[str, str], wanted: set[str], folder: str) -> Locked:
    metadata = tables.part(lock, "metadata")
    if "inherit_metadata" not in metadata.get("strategy", []):
        raise _fault(
            "pdm.lock",
            "leaves open what of it is for production",
            "run `pdm lock --strategy=inherit_metadata`, or `pdm export --prod --output=requirements.txt`",
        )
    packages = lock.get("package", [])
    _refuse_unfit("pdm.lock", packages, beside, "pdm lock")
    groups = {"default", *wanted}
    lines = [
        _of_pdm(package, folder)
        for package in packages
        if {normalized(group) for group in package.get("groups", [])} & groups
    ]
    known = {normalized(group) for group in metadata.get("groups", [])} - {"default"}
    targets = metadata.get("targets", [])
    return Locked(_once(lines), known, targets[0].get("requires_python", "") if len(targets) == 1 else "")


def _of_pdm(package: dict, folder: str) -> str:
    name, marker = package["name"], package.get("marker", "")
    hashes = [file["hash"] for file in package.get("files", [])]
    if "git" in package:
        return _at(name, _git(package["git"], package.get("revision"), package.get("subdirectory")), marker)
    if "path" in package:
        return _at(name, _place(package["path"], folder), marker, hashes)
    if "url" in package:
        return _at(name, package["url"], marker, hashes)
    return _pinned(name, package["version"], hashes, marker, "pdm.lock")


def _pylock(lock: dict, wanted: set[str], folder: str) -> Locked:
    version = str(lock.get("lock-version"))
    if not version.startswith("1."):
        raise _fault("pylock.toml", f"is of the version {version}", "have it written as version 1.0")
    groups = wanted | {normalized(group) for group in lock.get("default-groups", [])}

    def lines() -> Iterator[str]:
        for package in lock.get("packages", []):
            marker = _replaced(_IN_GROUPS, package.get("marker", ""), lambda found: normalized(found["name"]) in groups)
            yield _of_pylock(package, marker, folder)

    known = {normalized(name) for key in ("extras", "dependency-groups") for name in lock.get(key, [])}
    return Locked(_once(lines()), known, lock.get("requires-python", ""))


def _of_pylock(package: dict, marker: str, folder: str) -> str:
    name = package["name"]
    if "vcs" in package:
        vcs = package["vcs"]
        if vcs.get("type") != "git" or "url" not in vcs:
            raise _fault(
                "pylock.toml", f"has {name} from another place than a git repository", "export a requirements file"
            )
        return _at(name, _git(vcs["url"], vcs.get("commit-id"), vcs.get("subdirectory")), marker)
    if "directory" in package:
        place = os.path.join(package["directory"]["path"], package["directory"].get("subdirectory", ""))
        return _at(name, _place(place, folder), marker)
    if "archive" in package:
        archive = package["archive"]
        place = archive["url"] if "url" in archive else _place(archive["path"], folder)
        return _at(name, place + _fragment(archive.get("subdirectory")), marker, _hashes(archive))
    files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
    hashes = [each for file in files for each in _hashes(file)]
    return _pinned(name, package.get("version", ""), hashes, marker, "pylock.toml")


def _hashes(file: dict) -> list[str]:
    return [f"{algorithm}:{digest}" for algorithm, digest in file.get("hashes", {}).items()]


def _replaced(pattern: re.Pattern, marker: str, holds: Callable[[re.Match], bool]) -> str:
    """Return a marker in which each comparison of this pattern is known to hold, or not."""

    def known(found: re.Match) -> str:
        negated = found[0].count("!=") or "not" in (found.groupdict().get("how") or "")
        return _ALWAYS if holds(found) is not bool(negated) else _NEVER

    return pattern.sub(known, marker)


def _refuse_unfit(name: str, packages: list[dict], beside: dict[str, str], command: str) -> None:
    """Raise RequirementsError where a project has got a dependency that its lock lacks."""
    project = tables.load("pyproject.toml", beside.get("pyproject.toml", ""))
    listed = [re.split(r"[^\w.-]", line.strip())[0] for line in tables.part(project, "project").get("dependencies", [])]
    listed += [each for each in tables.part(project, "tool", "poetry", "dependencies") if each != "python"]
    locked = {normalized(package["name"]) for package in packages}
    lacking = sorted(each for each in listed if normalized(each) not in locked)
    if lacking:
        raise _fault(name, f"lacks {', '.join(lacking)}, so it no longer fits its pyproject.toml", f"run `{command}`")


def _pinned(name: str, version: str, hashes: Iterable[str], marker: str, lock: str) -> str:
    if not version or not hashes:
        raise _fault(lock, f"has no {'hashes' if version else 'version'} for {name}", "lock again")
    return " ".join(
        [f"{name}=={version}", *([f"; {marker}"] if marker else []), *(f"--hash={each}" for each in hashes)]
    )


def _at(name: str, place: str, marker: str, hashes: Iterable[str] = ()) -> str:
    return " ".join([f"{name} @ {place}", *([f"; {marker}"] if marker else []), *(f"--hash={each}" for each in hashes)])


def _git(url: str, commit: str | None, subdirectory: str | None) -> str:
    scp = _SCP.fullmatch(url)
    url = f"ssh://{scp[1]}/{scp[2].lstrip('/')}" if scp else url.removeprefix("git+")
    return f"git+{url}{f'@{commit}' if commit else ''}{_fragment(subdirectory)}"


def _fragment(subdirectory: str | None) -> str:
    return f"#subdirectory={subdirectory}" if subdirectory else ""


def _place(place: str, folder: str) -> str:
    """Return the URL of something that lies beside the lock, or is one already."""
    if "://" in place:
        return place
    return "file://" + urllib.parse.quote(os.path.normpath(os.path.join(folder, place)))


def _once(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(lines))


def _fault(name: str, fault: str, remedy: str) -> RequirementsError:
    return RequirementsError(f"gunicorn_requirements_file: {name} {fault}: {remedy}, and deploy what that writes")
