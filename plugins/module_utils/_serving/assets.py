# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static files that are named by their content, for pages of an earlier release that name them still.

Private to the collection. Such a file never changes, so those of several releases can lie in one folder: `assets` in the
app's, where nginx looks first and lets browsers keep what they find.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping

from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store

# Django's manifest storage puts these twelve digits before the ending.
_DJANGOS = re.compile(r"\.[0-9a-f]{12}\.\w+$")
# What Vite and its like put there, which a word may look like: it counts where a manifest says so.
_BUNDLERS = re.compile(r"[-.][\w-]{8,}\.\w+$")
_MANIFESTS = ("staticfiles.json", "manifest.json")
# What a project may have made of a file beforehand, for nginx to send.
_COMPRESSED = (".gz", ".br")


@dataclasses.dataclass(frozen=True)
class Difference:
    """What is to change in the folder of assets, by names relative to it."""

    # The folder of static files in which each is that is to be there, and is not.
    missing: Mapping[str, str]
    # Those that are there and are no release's that counts.
    surplus: frozenset[str]


class Assets:
    """The folder of assets in `store`, with those of the `keep` releases that were active last."""

    def __init__(self, store: Store, keep: int):
        self._store = store
        self._keep = keep
        self.path = os.path.join(store.path, "assets")

    def look(self, release: str, going: Collection[str] = ()) -> Difference:
        """Return what is to change once `release` is active and the releases in `going` are gone."""
        wanted = self._wanted(release, going)
        present = {name for name, _mode in _files(self.path)}
        missing = {name: folder for name, folder in wanted.items() if name not in present}
        return Difference(missing, frozenset(present - set(wanted)))

    def add(self, difference: Difference) -> bool:
        """Put what is missing in place, before a page can name it. Says whether that was anything."""
        for name, folder in sorted(difference.missing.items()):
            path = os.path.join(self.path, name)
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            # A second name takes no room, and outlives the release.
            os.link(os.path.join(folder, name), path, follow_symlinks=False)
        return bool(difference.missing)

    def prune(self, difference: Difference) -> bool:
        """Remove what is surplus, and folders that are empty then. Says whether that was anything."""
        for name in difference.surplus:
            os.unlink(os.path.join(self.path, name))
        for folder, _folders, _files in os.walk(self.path, topdown=False) if difference.surplus else ():
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        return bool(difference.surplus)

    def _wanted(self, release: str, going: Collection[str]) -> dict[str, str]:
        """Return the folder of static files in which each is, by their names; the newest release comes first."""
        active = [event["release"] for event in reversed(self._store.activations())]
        there = set(self._store.names("releases")) - set(going)
        kept = [each for each in dict.fromkeys([release, *active]) if each in there][: self._keep]
        wanted: dict[str, str] = {}
        for each in kept:
            static = os.path.join(self._store.item("releases", each), "static")
            for name in named_by_content(static):
                wanted.setdefault(name, static)
        return wanted


def named_by_content(static: str) -> set[str]:
    """Return the files below the folder `static` that are named by their content, relative to it."""
    files = {name for name, mode in _files(static) if stat.S_ISREG(mode)}
    found = {name for name in files if _DJANGOS.search(name)}
    for name in files:
        if os.path.basename(name) in _MANIFESTS:
            # Vite's own lies in a folder beside what it names.
            folder = os.path.dirname(name).removesuffix(".vite").rstrip("/")
            named = {os.path.normpath(os.path.join(folder, each)) for each in _named(os.path.join(static, name))}
            found |= {each for each in named & files if _BUNDLERS.search(each)}
    return found | {name + ending for name in found for ending in _COMPRESSED if name + ending in files}


def _named(manifest: str) -> set[str]:
    """Return every text in a manifest that may be the name of a file; one that is no JSON names none."""
    try:
        with open(manifest, encoding="utf-8") as file:
            return set(_texts(json.load(file)))
    except (OSError, ValueError, RecursionError):
        return set()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        # A public path, as in webpack's: what comes first is the URL of the folder.
        yield value.lstrip("/")
    elif isinstance(value, (list, dict)):
        for each in value if isinstance(value, list) else value.values():
            yield from _texts(each)


def _files(folder: str) -> Iterator[tuple[str, int]]:
    """Yield the name and the mode of everything below a folder but folders; nothing where it isn't there."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from ((f"{entry.name}/{name}", mode) for name, mode in _files(entry.path))
            else:
                yield entry.name, entry.stat(follow_symlinks=False).st_mode
