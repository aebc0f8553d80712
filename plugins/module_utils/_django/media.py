# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a Django project keeps what people upload, and whether visitors can get it. Private to the collection."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

# For a script that Manage.ask runs: what the project's own storage is, None where it has none in a folder of the host.
ASK = """
def media():
    # Whatever a project has in its settings and its URLs is no reason to fail for here.
    try:
        return of_the_host()
    except Exception:
        return None

def of_the_host():
    from urllib.parse import urlsplit
    from django.core.files.storage import FileSystemStorage, default_storage
    if not settings.MEDIA_ROOT or not isinstance(default_storage, FileSystemStorage):
        return None
    url = urlsplit(str(default_storage.base_url or ""))
    if url.netloc or url.path in ("", "/"):
        return None
    modes = settings.FILE_UPLOAD_PERMISSIONS
    names = [str(each.get("NAME")) for each in settings.DATABASES.values() if each.get("ENGINE", "").endswith("sqlite3")]
    return {
        "url": url.path,
        "root": os.path.abspath(default_storage.location),
        "modes": modes if isinstance(modes, int) else None,
        "served": has_view(url.path),
        "databases": [os.path.abspath(name) for name in names if not name.startswith("file:")],
    }

def has_view(url):
    from django.urls import resolve
    try:
        # A pattern that takes every path is none that serves these.
        return resolve(url + "x").route.lstrip("^").startswith(url.lstrip("/"))
    except (Exception, SystemExit):
        return False
"""


@dataclasses.dataclass(frozen=True)
class Places:
    """Where the app in the folder `source` may write: its `state` folder, and those `shared` places of the source that are in it.

    `media` is what nginx is to serve, with its `url`, `path` and whether it is `protected`; None for nothing.
    """

    source: str
    state: str
    shared: tuple[str, ...] = ()
    media: dict[str, Any] | None = None

    def fault(self, found: dict[str, Any] | None) -> str | None:
        """Return why what is to be served can't be what the project means, by what it says of itself, or None."""
        if not found or not self.media:
            return None
        folder = os.path.normpath(self.media["path"])
        for name in found["databases"]:
            place = self._place(name)
            if place and _is_in(place, folder):
                return (
                    f"gunicorn_media has the path {folder!r}, which also holds the database {name}: name a folder for what "
                    "people upload alone"
                )
        place = self._place(found["root"])
        # What is protected may be another storage than the project's first one.
        if self.media["protected"] or found["url"] != self.media["url"] or (place and _is_in(place, folder)):
            return None
        return (
            f"gunicorn_media has the path {folder!r} in {self.state}, but the project writes to MEDIA_ROOT, {found['root']}: "
            + (f"name {place!r} as the path" if place else self._remedy(found["root"], folder))
        )

    def hidden(self, static: str) -> str | None:
        """Return why what is to be served hides files of the folder `static`, which lie there as their URLs, or None."""
        if not self.media or not os.path.isdir(os.path.join(static, self.media["url"].strip("/"))):
            return None
        return (
            f"gunicorn_media has the url {self.media['url']!r}, where static files are, too, which nobody could get then: have "
            "MEDIA_URL and the url be another, such as '/media/'"
        )

    def message(self, found: dict[str, Any] | None) -> str | None:
        """Return what people should know of how the project's uploads are served, or None."""
        if not found:
            return None
        if self.media:
            return self._of_served(found, self.media)
        if found["served"]:
            return None
        place, url = self._place(found["root"]), found["url"]
        path = place or self._in_source(found["root"])
        if not path:
            return (
                f"Nobody serves MEDIA_URL, {url}: nginx does, by gunicorn_media, what is below $STATE_DIRECTORY, and MEDIA_ROOT "
                f"is {found['root']}. Have that os.path.join(os.environ['STATE_DIRECTORY'], 'media'), and set gunicorn_media: "
                f"{{url: {url}, path: media}}."
            )
        kept = "" if place else f"gunicorn_shared_paths: [{path}], without which the app can't write there, and "
        return f"Nobody serves MEDIA_URL, {url}, yet: set {kept}gunicorn_media: {{url: {url}, path: {path}}}."

    def _of_served(self, found: dict[str, Any], media: dict[str, Any]) -> str | None:
        if found["url"] != media["url"] and not media["protected"] and not found["served"]:
            return f"MEDIA_URL is {found['url']}, but gunicorn_media has the url {media['url']}, which is what nginx serves."
        if found["modes"] is None or not found["modes"] & 0o040:
            return (
                f"FILE_UPLOAD_PERMISSIONS is {found['modes'] and oct(found['modes'])}, by which nginx can't read all that is "
                "uploaded: set 0o644, which is Django's own default, or 0o640."
            )
        return None

    def _place(self, path: str) -> str | None:
        """Return where below the state folder a path is, None where it is not there."""
        if _is_in(path, self.state):
            return os.path.relpath(path, self.state)
        inside = self._in_source(path)
        return inside if inside and any(_is_in(inside, os.path.normpath(each)) for each in self.shared) else None

    def _in_source(self, path: str) -> str | None:
        return os.path.relpath(path, self.source) if _is_in(path, self.source) else None

    def _remedy(self, root: str, folder: str) -> str:
        inside = self._in_source(root)
        if inside:
            return f"set gunicorn_shared_paths: [{inside}], and name {inside!r} as the path"
        return f"have it os.path.join(os.environ['STATE_DIRECTORY'], {folder!r})"


def _is_in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder}/")
