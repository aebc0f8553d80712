# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places in a sealed source that its app writes to: they are in the app's state folder. Private to the collection."""

from __future__ import annotations

import dataclasses
import os

from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import readable
from ansible_collections.pyweb.stack.plugins.module_utils._source import additions

# What nginx serves of the state folder.
MEDIA = {
    "type": "dict",
    "options": {
        "url": {"type": "str", "default": "/media/"},
        "path": {"type": "str", "default": "media"},
        "protected": {"type": "bool", "default": False},
    },
}
# Puts what a source has at shared places where the app writes, as the app's account, and never over what is there.
SEED = f"""
import os, shutil, sys
source, state, *paths = sys.argv[1:]
for path in paths:
    place, content = os.path.join(state, path), os.path.join(source, path)
    stage = place + ".stage"
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if os.path.lexists(place):
        continue
    if os.path.islink(content):
        content = os.path.join(source, "{additions.KEPT}", path)
        if not os.path.exists(content):
            continue
        shutil.copyfile(content, stage)
    else:
        shutil.rmtree(stage, ignore_errors=True)
        shutil.copytree(content, stage, symlinks=True)
    os.rename(stage, place)
"""


@dataclasses.dataclass(frozen=True)
class SharedPaths:
    """The shared `paths` of a source in the folder `source`, which check mode may have on trial only.

    `state` is the app's state folder. What the source has is looked up in `origin`, the folder of what it is made of.
    """

    state: str
    source: str
    paths: tuple[str, ...]
    origin: str

    def folders(self) -> tuple[tuple[str, str], ...]:
        """Return the shared folders, each with its place in the source, at which it is mounted."""
        places = [os.path.normpath(path) for path in self.paths if self._is_folder(path)]
        return tuple((os.path.join(self.state, place), os.path.join(self.source, place)) for place in places)

    def missing(self) -> list[str]:
        """Return what is not in the state folder yet and has to be, or comes along from the source."""
        found = []
        for path in self.paths:
            place = os.path.normpath(path)
            kept = os.path.join(readable(self.origin), additions.KEPT, place)
            in_state = os.path.join(self.state, place)
            if not os.path.lexists(in_state) and (self._is_folder(path) or os.path.exists(kept)):
                found.append(in_state)
            elif not os.path.isdir(os.path.dirname(in_state)) and os.path.dirname(place):
                found.append(os.path.dirname(in_state))
        return found

    def seed(self) -> list[str]:
        """Return the command that makes what is missing; it is run as the app's account, without the mounts."""
        places = map(os.path.normpath, self.paths)
        return ["/usr/bin/python3", "-I", "-c", SEED, self.origin, self.state, *places]

    def written(self) -> list[str]:
        """Return the places at which the app must be able to write."""
        return [place for _state, place in self.folders()]

    def _is_folder(self, path: str) -> bool:
        place = os.path.join(readable(self.origin), os.path.normpath(path))
        if os.path.lexists(place):
            return not os.path.islink(place)
        return additions.is_folder(path)


def published(media: dict | None, shared: tuple[str, ...]) -> str | None:
    """Return why nginx must not serve the folder of `media`, by what else of the `shared` paths is in it, or None."""
    if not media:
        return None
    folder = os.path.normpath(media["path"])
    for path in map(os.path.normpath, shared):
        if path.startswith(f"{folder}/") or (path == folder and not additions.is_folder(path)):
            return (
                f"gunicorn_media has the path {media['path']!r}, where gunicorn_shared_paths has {path!r}, which every visitor "
                "could get then: name a folder for what people upload alone"
            )
    return None
