# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which URL of a site leads where: to static files, to what people uploaded, to the app, or to a folder of the host.

Private to the collection. nginx asks the location with the longest prefix, and of those in it again. What guards a prefix is
said in a location of its own, which stands in the one that would answer, so that no other one is asked in its place.
"""

from __future__ import annotations

import dataclasses

from ansible_collections.pyweb.stack.plugins.module_utils._nginx import media as of_media
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.auth import Auth
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.blocks import block
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.edge import Edge

# These are as they say, whatever the site's other headers are.
_OF_MEDIA = {"x-content-type-options", "content-disposition", "cache-control"}


@dataclasses.dataclass(frozen=True)
class Locations:
    """The locations of the site named `id` of the app in `folder`.

    What begins with one of `prefixes` goes to the app, what doesn't to the folder `root`, if any, and where that has nothing,
    its file `fallback` is the answer. One that doesn't end with a slash is a URL by itself. The URL of a prefix without its
    slash leads there where the app is `mounted` at the one; else the app knows which of the two it has. `types` are those of files
    that the host's own list lacks, by their endings, `headers` the directives of the headers of all responses by their
    names, `own` the names of those that the app's and nginx's own give way to.
    """

    id: str
    folder: str
    prefixes: tuple[str, ...]
    root: str | None
    types: dict[str, str]
    headers: dict[str, str]
    own: frozenset[str]
    edge: Edge
    auth: Auth
    media: of_media.Media | None = None
    fallback: str | None = None
    brotli: bool = False
    mounted: bool = False

    def text(self) -> list[list[str]]:
        """Return the paragraphs of all of them but those of the app itself."""
        assets = [
            "# Named by their content, so these never change: those of the last few releases.",
            *self._files(f"{self.folder}/assets", "public, max-age=31536000, immutable"),
        ]
        release = [
            "# The static files of a release lie below this folder as their URLs below the host, and switch with it.",
            *self._files(f"{self.folder}/current/static", "public, max-age=0, must-revalidate"),
        ]
        to_app, elsewhere = "try_files $uri @static;", "try_files $uri @outside;"
        whole = "/" in self.prefixes
        inner = [
            block(
                f"location {prefix if prefix.endswith('/') else f'= {prefix}'}",
                [*self._guards(prefix), to_app],
                self._guarded(prefix, to_app) if prefix.endswith("/") else [],
            )
            for prefix in self.prefixes
            if prefix != "/"
        ]
        if not self.mounted:
            inner += [
                block(f"location = {prefix.rstrip('/')}", [*self._guards(prefix), to_app])
                for prefix in self.prefixes
                if prefix.endswith("/")
            ]
        first = to_app if whole else elsewhere
        found = [
            [block("location /", [*assets, first], [*inner, *self._guarded("/", first)])],
            [block("location @static", [*release, "try_files $uri @app;"])],
        ]
        if not whole:
            found += self._outside(release)
        return [*found, [self._media(self.media)] if self.media else []]

    def _outside(self, release: list[str]) -> list[list[str]]:
        rest = "@rest" if self.root else "=404"
        redirected = self.prefixes if self.mounted else ()
        return [
            [block("location @outside", [*release, f"try_files $uri {rest};"])],
            [
                block(f"location = {prefix.rstrip('/')}", [f"return 301 {prefix}$is_args$args;"])
                for prefix in redirected
            ],
            [block("location @rest", self._rest())] if self.root else [],
            [block("location @fallback", self._fallback(self.fallback))] if self.fallback else [],
        ]

    def _rest(self) -> list[str]:
        otherwise = ["error_page 403 404 = @fallback;"] if self.fallback else []
        return ["# What lies below the root of the server.", *self._types(), *otherwise]

    def _fallback(self, name: str) -> list[str]:
        return [
            "# A page that finds out itself what the URL asks for.",
            'add_header Cache-Control "public, max-age=0, must-revalidate";',
            *self.headers.values(),
            f"try_files /{name} =404;",
        ]

    def _guards(self, path: str) -> list[str]:
        """Return what guards the location of a URL prefix."""
        return [*self.auth.guards(path), *self.edge.limited(path)]

    def _media(self, media: of_media.Media) -> str:
        headers = [line for name, line in self.headers.items() if name.lower() not in _OF_MEDIA]
        guards, inner = self._guards(media.url), self._guarded(media.url, of_media.TRY)
        return media.location(self.id, guards, self._types(), headers, inner)

    def _guarded(self, prefix: str, answer: str) -> list[str]:
        """Return the locations of the guarded URLs that the location of `prefix`, which ends with `answer`, would answer."""
        owners = ["/", *self.prefixes, *([self.media.url] if self.media else [])]
        return [
            block(f"location {path}", [*self._guards(path), answer])
            for path in dict.fromkeys([*self.auth.paths, *(limit.path for limit in self.edge.limits)])
            if path not in owners and max(filter(path.startswith, owners), key=len) == prefix
        ]

    def _files(self, root: str, cache: str) -> list[str]:
        """Return the directives by which nginx serves the files below `root`, and keeps out of what a link leads to."""
        given = {"Cache-Control": f'"{cache}"', "X-Content-Type-Options": "nosniff always"}
        return [
            f"root {root};",
            "disable_symlinks on from=$document_root;",
            "gzip_static on;",
            *["brotli_static on;"] * self.brotli,
            *self._types(),
            *[f"add_header {name} {value};" for name, value in given.items() if name.lower() not in self.own],
            # nginx passes the server's down to those locations alone that add none.
            *self.headers.values(),
        ]

    def _types(self) -> list[str]:
        types = [f"    {kind} {ending};" for ending, kind in self.types.items()]
        return ["include mime.types;", "types {", *types, "}"] if types else []
