# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people changed by hand in the files of a site, which the next run takes back. Private to the collection.

The host has a record of the texts that runs gave these files: what is unlike them is a person's.
"""

from __future__ import annotations

import contextlib
import difflib
import itertools
import json
import os
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import files
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import auth, site_files

_FOLDER = "/var/lib/pyweb-stack/sites"
# Lines that are shown of a file; a diff shows them all.
_SHOWN = 6
_GOES = "goes"


class Record:
    """The texts that runs gave the files of the site of `app`; none of one that a version before this record made."""

    def __init__(self, app: str):
        self._path = os.path.join(_FOLDER, f"{app}.json")
        self._texts: dict[str, list[str]] = json.loads(files.read(self._path) or "{}")

    def lost(self, tree: site_files.Tree) -> Iterator[str]:
        """Yield sentences on what people changed in files that are to be other than they are."""
        own = tree.own()
        for path, text in tree.before().items():
            known = self._texts.get(path)
            if known and text is not None and text not in known:
                yield _sentence(tree.full(path), text, known[0], goes=path not in own)

    def expect(self, tree: site_files.Tree) -> None:
        """Note the texts that the site's files are about to get, beside those that they may have until then."""
        before, texts = tree.before(), {}
        for path, text in tree.own().items():
            known = self._texts.get(path) or [before.get(path) or text]
            texts[path] = list(dict.fromkeys([*known, text]))
        self._write(texts)

    def settle(self, tree: site_files.Tree) -> None:
        """Note the texts that the site's files have now."""
        self._write({path: [text] for path, text in tree.own().items()})

    def _write(self, texts: dict[str, list[str]]) -> None:
        if texts == self._texts:
            return
        if texts:
            files.make_folder(_FOLDER, 0o700)
            # Of users it has what is hidden in their own file, too.
            files.replace(self._path, json.dumps(texts), 0o600)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)
        self._texts = texts


def _sentence(path: str, text: str, known: str, goes: bool) -> str:
    lines = list(_differences(*site_files.shown(path, known, text)))
    if goes:
        # What is there then, as Debian's own default site, has none of the role's lines.
        lines = [line for line in lines if line.endswith(_GOES)]
    more = f", and {len(lines) - _SHOWN} more lines" if len(lines) > _SHOWN else ""
    way = "goes with this run" if goes else "is again as the role has it with this run"
    return (
        f"{path} was changed by hand, and {way}{': ' * bool(lines)}{', '.join(lines[:_SHOWN])}{more}. {_remedy(path)}"
    )


def _differences(known: str, text: str) -> Iterator[str]:
    lines = difflib.unified_diff(text.splitlines(), known.splitlines(), n=0, lineterm="")
    # But for the two lines of a head, and those that say where it is.
    for line in itertools.islice(lines, 2, None):
        words = line[1:].strip()
        if words and not line.startswith("@@"):
            yield f"{words!r} {_GOES if line.startswith('-') else 'comes back'}"


def _remedy(path: str) -> str:
    if path.endswith(auth.PRIVATE):
        return "Who may come in is said by nginx_site_auth."
    if path.endswith(".html"):
        return "Pages of your own are for nginx_site_error_pages and nginx_site_maintenance."
    return "Lines of your own are for nginx_site_extra, a certificate for nginx_site_tls."
