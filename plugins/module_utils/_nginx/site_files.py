# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of nginx's tree that make up an app's site, and what they take over from the host and give back.

Private to the collection.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import re
from typing import NamedTuple

from ansible_collections.pyweb.stack.plugins.module_utils._host import files
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import auth, config_parser, conflicts, sites


class SiteError(Exception):
    """The site has no place on this host; the message says why, and what to do."""


# What nginx says where the kernel is without IPv6.
NO_IPV6 = "Address family not supported by protocol"


class _Place(NamedTuple):
    """Where a site is below `/etc/nginx`: its file, and the link that enables it in a layout with such links."""

    file: str
    link: str | None = None

    @property
    def entry(self) -> str:
        """Return the path by which nginx reads the site."""
        return self.link or self.file

    def original(self, enabled: bool) -> str:
        """Return where the host's own default site is kept, by whether it was enabled."""
        return f"{self.file}.{'original' if enabled else 'disabled'}"


def _places(etc: str, app: str) -> tuple[_Place, _Place]:
    """Return where this host has the site of an app with names, and its default site, by what nginx.conf includes.

    Debian enables sites by links, nginx.org's packages read `conf.d` alone. A site with names comes last in either,
    since nginx takes the first site that it reads for the default one where none says that it is.
    """
    last = f"zz-gunicorn-{app}"
    layouts = (
        (
            _Place(f"sites-available/gunicorn-{app}", f"sites-enabled/{last}"),
            _Place("sites-available/default", "sites-enabled/default"),
        ),
        (_Place(f"conf.d/{last}.conf"), _Place("conf.d/default.conf")),
    )
    conf = config_parser.load(etc)
    if not conf:  # Debian's nginx is what will be installed; or nginx says what is wrong when it tests the tree.
        return layouts[0]
    http = config_parser.blocks(conf, "http")
    included = [pattern for include in config_parser.inside(http, "include") for pattern in include.arguments]
    for named, default in layouts:
        # Both, since a pattern such as *.conf can fit one of them alone.
        if all(any(_fits(etc, place.entry, pattern) for pattern in included) for place in (named, default)):
            return named, default
    raise SiteError(
        f"In its http block {etc}/nginx.conf includes neither {etc}/sites-enabled/* nor {etc}/conf.d/*.conf, but "
        f"{' '.join(included) or 'nothing'}: add one of these two lines to it"
    )


def _fits(etc: str, entry: str, pattern: str) -> bool:
    return pathlib.PurePath(etc, entry).match(os.path.normpath(os.path.join(etc, pattern)))


class Tree:
    """nginx's configuration, in the folder `etc`, and what a site changes in it: files by their paths below `etc`.

    None stands for no file, and a text that begins with a slash for a link to there. Raises `SiteError` where the
    site would take the place of somebody else's. One that is not to be `present` is nowhere: it has no path.
    """

    def __init__(self, etc: str, site: sites.Site, present: bool = True):
        self._etc = etc
        self._site = site
        named, self._default = _places(etc, site.app)
        self._place = (named if site.server_names else self._default) if present else None
        self.path = self.full(self._place.file) if self._place else None
        # By which nginx reads it.
        self.entry = self.full(self._place.entry) if self._place else None
        self._wanted = self._plan()

    @property
    def is_new(self) -> bool:
        """Say whether the site is to be there and isn't yet."""
        return bool(self.path) and self._site.mark not in (_read(self.path or "") or "")

    def full(self, path: str) -> str:
        """Return the absolute path of a file."""
        return os.path.join(self._etc, path)

    def own(self) -> dict[str, str]:
        """Return the texts of the files that are the site's alone."""
        if not self._place:
            return {}
        found = {**self._site.pages(), self._place.file: self._site.text()}
        return {path: text for path, text in found.items() if text is not None}

    def changes(self) -> dict[str, str | None]:
        """Return the files that are to be other than they are, in the order in which to change them."""
        return {path: text for path, text in self._wanted.items() if _read(self.full(path)) != text}

    def before(self) -> dict[str, str | None]:
        """Return the same files as they are."""
        return {path: _read(self.full(path)) for path in self.changes()}

    def repairs(self, fault: str) -> bool:
        """Say whether the `fault` that nginx finds is one of the site as it is, which is to be another or to go."""
        before = self.before()
        # On a host without IPv6, as Debian's own site listens there.
        if NO_IPV6 in fault and any("[::]" in (text or "") for text in before.values()):
            return True
        paths = {os.path.realpath(self.full(path)) for path in before}
        if any(os.path.realpath(path) in paths for path in re.findall(r" in (/\S+):\d+", fault)):
            return True
        # Of a certificate or a key nginx names the file alone, and not who refers to it.
        named = [f" {path};" for path in re.findall(r'"(/[^"]+)"', fault)]
        return any(each in (text or "") for text in before.values() for each in named)

    def diff(self) -> list[dict[str, str]]:
        """Return the changes as Ansible shows them."""
        before, after = self.before(), self.changes()
        texts = {path: shown(path, *(each[path] or "" for each in (before, after))) for path in after}
        return [files.diff(self.full(path), *both) for path, both in texts.items()]

    def clashes(self) -> list[str]:
        """Return sentences that name what another site claims as well, and what to do."""
        if not self._place:
            return []
        return conflicts.clashes(self._site, config_parser.blocks(self._others, "http"))

    def listens(self) -> dict[str, config_parser.Directive]:
        """Return the addresses at which nginx is to listen, and the directives that say so."""
        own = config_parser.parse(self._site.text(), self.path) if self.path else []
        directives = [*own, *config_parser.blocks(self._others, "http", "stream", "mail")]
        servers = list(config_parser.inside(directives, "server"))
        return {address: listen for server in servers for address, listen in config_parser.listens(server).items()}

    @functools.cached_property
    def _others(self) -> list[config_parser.Directive]:
        """Return nginx's configuration without the files that are the site's, or go with it."""
        return config_parser.load(self._etc, [self.full(path) for path in self._wanted])

    def _plan(self) -> dict[str, str | None]:
        site, place = self._site, self._place
        # First of all what is gone: a site that nginx would read twice, were this run killed, is one that it refuses.
        wanted: dict[str, str | None] = dict.fromkeys(self._former())
        default = _read(self.full(self._default.file)) or ""
        if place is self._default:
            if sites.MARK not in default:
                wanted[place.original(os.path.lexists(self.full(place.entry)))] = default or None
            elif site.mark not in default:
                raise SiteError(
                    "nginx_site_server_names is empty, but the host's default site is another app's already "
                    f"({default.splitlines()[0].strip('# ')}): name the hosts of the app {site.app}"
                )
        else:
            if self.path and site.mark not in (_read(self.path) or site.mark):
                raise SiteError(f"{self.path} exists and was not made by this role: move it away")
            if site.mark in default:
                wanted.update(self._give_back())
        if not place or not self.entry:
            return {**wanted, **dict.fromkeys(site.pages())}
        if os.path.lexists(self.entry) and os.path.realpath(self.entry) != os.path.realpath(self.full(place.file)):
            raise SiteError(f"{self.entry} exists and was not made by this role: move it away")
        # Before the site that refers to them.
        wanted.update(site.pages())
        wanted[place.file] = site.text()
        # One that is there leads here, maybe in other words.
        if place.link and not os.path.lexists(self.entry):
            wanted[place.link] = self.path
        return wanted

    def _former(self) -> list[str]:
        """Return the links and files of this site that are so no more: it goes, it had names, or an older version made them."""
        app = self._site.app
        return [
            path
            for path in (
                *(f"sites-enabled/gunicorn-{app}", f"sites-enabled/zz-gunicorn-{app}"),
                *(f"sites-available/gunicorn-{app}", f"conf.d/zz-gunicorn-{app}.conf"),
            )
            if path not in (self._place or ()) and self._site.mark in (_read(os.path.realpath(self.full(path))) or "")
        ]

    def _give_back(self) -> dict[str, str | None]:
        """Return what makes the default site the host's own again, as it was before."""
        place = self._default
        enabled, disabled = (_read(self.full(place.original(each))) for each in (True, False))
        wanted: dict[str, str | None] = {}
        if place.link and enabled is None:
            wanted[place.link] = None
        wanted[place.file] = disabled if enabled is None else enabled
        wanted[place.original(True)] = wanted[place.original(False)] = None
        return wanted


def apply(etc: str, changes: dict[str, str | None], group: int = 0) -> None:
    """Make `changes` what is in the folder `etc`, each by a rename; what is private can be read by root and `group` alone."""
    for path, text in changes.items():
        full = os.path.join(etc, path)
        if text is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(full)
            continue
        os.makedirs(os.path.dirname(full), exist_ok=True)
        # Not beside the file: sites-enabled may be included with a star.
        temporary = os.path.join(etc, f".{os.path.basename(full)}.new")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        try:
            if text.startswith("/"):
                os.symlink(text, temporary)
            else:
                with open(temporary, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                    if path.endswith(auth.PRIVATE):
                        os.fchmod(file.fileno(), 0o640)
                        os.fchown(file.fileno(), 0, group)
                    else:
                        os.fchmod(file.fileno(), 0o644)
                    file.write(text)
                    files.sync(file)
            os.rename(temporary, full)
            files.sync_folder(os.path.dirname(full))
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise


def _read(path: str) -> str | None:
    """Return the text of a file, or the absolute target of a link."""
    if os.path.islink(path):
        return os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def shown(path: str, before: str, after: str) -> list[str]:
    """Return the texts of a file as they may be seen: of users their names, and whether they are as they were."""
    if not path.endswith(auth.PRIVATE):
        return [_printable(before), _printable(after)]
    known = before.splitlines()
    lines = [(line.split(":")[0], line in known or not known) for line in after.splitlines()]
    return [
        "".join(f"{line.split(':')[0]}:(hidden)\n" for line in known),
        "".join(f"{name}:(hidden{'' if same else ', another'})\n" for name, same in lines),
    ]


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
