# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a site serves what people gave to its app: as files that no browser runs. Private to the collection."""

from __future__ import annotations

import os
import typing

from ansible_collections.pyweb.stack.plugins.module_utils._nginx.blocks import block

# What shows a picture, plays or is read, and runs nothing. All else is downloaded.
_SHOWN = "(image/(?!svg)|audio/|video/|text/plain|application/pdf)"

TRY = "try_files $uri =404;"


class Media(typing.NamedTuple):
    """The files of the folder `path` below the folder `state`, which are to be had below the URL `url`.

    Where they are `protected`, the app is asked first, and says so by X-Accel-Redirect.
    """

    url: str
    state: str
    path: str
    protected: bool

    @property
    def folder(self) -> str:
        """Return the folder with the files."""
        return os.path.join(self.state, self.path)

    def maps(self, site: str) -> list[str]:
        """Return what stands beside the servers of the site named `site`."""
        # What the app says itself of a file that it protects counts.
        said = "$upstream_http_content_disposition" if self.protected else ""
        found = [
            block(
                f'map "{said}:$sent_http_content_type" ${site}_disposition',
                ['"~^[^:]" "";', f'"~^:{_SHOWN}" "";', "default attachment;"],
            ),
            # Browsers show no PDF in a sandbox, and run none of it in the site's name.
            block(f"map $sent_http_content_type ${site}_sandbox", ['"~^application/pdf" "";', "default sandbox;"]),
        ]
        if self.protected:
            own = ['"" "private, no-cache";', 'default "";']
            found.append(block(f"map $upstream_http_cache_control ${site}_cache", own))
        return found

    def location(self, site: str, guards: list[str], types: list[str], headers: list[str], inner: list[str]) -> str:
        """Return the location of the files, with the `guards` of its URL, the `types` of files and the site's `headers`.

        `inner` are locations in it.
        """
        cache = f"${site}_cache" if self.protected else '"public, max-age=0, must-revalidate"'
        asked = [
            "# Who asks from outside asks the app, which alone can send him here.",
            "internal;",
            "error_page 404 = @app;",
        ]
        return block(
            f"location ^~ {self.url}",
            [
                "# What people gave to the app: files alone, none that begins with a dot, and nothing that a link leads to."
            ],
            asked if self.protected else [],
            [
                *guards,
                f"alias {self.folder}/;",
                f"disable_symlinks on from={os.path.dirname(self.state)};",
                "default_type application/octet-stream;",
                *types,
                TRY,
            ],
            [
                "add_header X-Content-Type-Options nosniff always;",
                f"add_header Content-Security-Policy ${site}_sandbox always;",
                f"add_header Content-Disposition ${site}_disposition;",
                f"add_header Cache-Control {cache};",
                *headers,
            ],
            [block(r"location ~ /\.", ["return 404;"])],
            inner,
        )
