# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site of one app in nginx's tree: proved on a staged copy of the whole tree, then moved into place.

Private to the collection.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import tempfile
import time

from ansible_collections.pyweb.stack.plugins.module_utils import _command, _systemd

ETC = "/etc/nginx"
_DEFAULT = "sites-available/default"
# Where the distribution's own default site is kept, by whether it was enabled.
_ORIGINAL = {True: "sites-available/default.original", False: "sites-available/default.disabled"}
_RELOAD_PATIENCE = 5.0
# There while nginx may not have taken up what is in its tree: a run may be killed between the two.
_PENDING = "/run/pyweb-stack-nginx-pending"


class NginxError(Exception):
    """The site can't be put in place; the message says whose fault it is and what nginx said."""


def user() -> str:
    """Return the account of nginx's workers, which is Debian's where nginx is not installed yet."""
    with contextlib.suppress(FileNotFoundError), open(os.path.join(ETC, "nginx.conf"), encoding="utf-8") as file:
        match = re.search(r"^\s*user\s+([\w-]+)", file.read(), re.MULTILINE)
        if match:
            return match[1]
    return "www-data"


def installed() -> bool:
    """Say whether nginx is there."""
    return os.path.isfile(os.path.join(ETC, "nginx.conf")) and shutil.which("nginx") is not None


class Site:
    """The site in front of I(app), whose folder is I(folder) (C(/srv/APP)).

    Without I(server_names) it is the host's default site. I(ipv6) says whether the host has IPv6.
    """

    def __init__(self, app: str, folder: str, server_names: list[str], client_max_body_size: str, ipv6: bool):
        self.app = app
        self.mark = f"# Made by pyweb.stack for the app {app}: changes here are lost.\n"
        self.name = f"gunicorn-{app}" if server_names else "default"
        self._folder = folder
        self._server_names = server_names
        self._client_max_body_size = client_max_body_size
        self._ipv6 = ipv6

    def text(self) -> str:
        """Return the site's configuration."""
        default = "" if self._server_names else " default_server"
        listen = [f"listen 80{default};"] + [f"listen [::]:80{default};"] * self._ipv6
        upstream = f"gunicorn_{self.app}"
        return f"""{self.mark}
upstream {upstream} {{
    # The socket of the release that serves. A switch renames `current`; nginx needs no reload for it.
    server unix:{self._folder}/current/app.sock;
}}

map $uri ${upstream}_cache {{
    default "public, max-age=0, must-revalidate";
    # Named by their content, as Django's manifest storage does: these never change.
    "~\\.[0-9a-f]{{12}}\\.[A-Za-z0-9]+$" "public, max-age=31536000, immutable";
}}

server {{
    {f"{chr(10)}    ".join(listen)}
    server_name {" ".join(self._server_names) or "_"};
    server_tokens off;
    client_max_body_size {self._client_max_body_size};

    # The static files of a release lie below this folder as their URLs below the host, and switch with it.
    root {self._folder}/current/static;

    location / {{
        try_files $uri @app;
        add_header Cache-Control ${upstream}_cache;
        add_header X-Content-Type-Options nosniff always;
    }}

    location @app {{
        proxy_pass http://{upstream};
        proxy_http_version 1.1;
        proxy_redirect off;
        proxy_connect_timeout 5s;
        # gunicorn's own timeout decides how long a request may take.
        proxy_read_timeout 1h;
        proxy_next_upstream off;

        # Set here, all of them, so that no client can send its own.
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Request-ID $request_id;
        proxy_set_header X-Forwarded-Host "";
        proxy_set_header X-Forwarded-Port "";
        proxy_set_header X-Forwarded-Protocol "";
        proxy_set_header X-Forwarded-Ssl "";
        proxy_set_header Forwarded "";
        proxy_set_header Proxy "";
        proxy_set_header SCRIPT_NAME "";
        proxy_set_header PATH_INFO "";
        proxy_set_header Connection "";
    }}
}}
"""


class Tree:
    """nginx's configuration on this host, into which a site is to go."""

    def __init__(self, site: Site):
        self._site = site
        self.available = f"sites-available/{site.name}"
        self._wanted = self._plan()

    def changes(self) -> dict[str, str | None]:
        """Return the files to be written (their text) or removed (None), by path below C(/etc/nginx), in this order.

        A text that begins with a slash is the target of a link.
        """
        return {path: text for path, text in self._wanted.items() if _read(os.path.join(ETC, path)) != text}

    def before(self) -> str:
        """Return the text of the site as it is now."""
        return _read(os.path.join(ETC, self.available)) or ""

    def prove(self) -> None:
        """Have nginx test the tree as it is, then a copy of it with the changes. Raises NginxError."""
        fault = _fault_of(ETC)[0]
        if fault:
            raise NginxError(f"nginx's configuration is broken already, without this site; repair it first: {fault}")
        # Not below /run/systemd or /tmp, which the private namespace of the test may replace.
        stage = tempfile.mkdtemp(prefix="pyweb-stack-nginx-", dir="/run")
        try:
            copy = os.path.join(stage, "nginx")
            shutil.copytree(ETC, copy, symlinks=True)
            _apply(copy, self.changes())
            fault, loaded = _fault_of(copy)
        finally:
            shutil.rmtree(stage)
        if fault:
            raise NginxError(f"nginx refuses the site of the app {self._site.app}; nothing was changed: {fault}")
        if f"{ETC}/sites-enabled/{self._site.name}" not in loaded:
            raise NginxError(
                f"{ETC}/nginx.conf does not include {ETC}/sites-enabled/*: add that line to its http block"
            )

    def install(self) -> None:
        """Move the proved changes into place and have nginx take them up, or put back what was there."""
        changes = self.changes()
        before = {path: _read(os.path.join(ETC, path)) for path in changes}
        with open(_PENDING, "w", encoding="utf-8"):
            pass
        _apply(ETC, changes)
        try:
            _take_up()
            _forget_pending()
        except _systemd.SystemdError as error:
            _apply(ETC, before)
            raise NginxError(f"nginx did not take up the site, so the former one is back: {error}") from error

    def _plan(self) -> dict[str, str | None]:
        site = self._site
        here = self.before()
        default = _read(os.path.join(ETC, _DEFAULT)) or ""
        wanted: dict[str, str | None] = {}
        if site.name == "default":
            if "# Made by pyweb.stack" not in here:
                wanted[_ORIGINAL[os.path.lexists(os.path.join(ETC, "sites-enabled/default"))]] = here or None
            elif site.mark not in here:
                raise NginxError(
                    "nginx_site_server_names is empty, but the host's default site is another app's already "
                    f"({here.splitlines()[0].strip('# ')}): name the hosts of the app {site.app}"
                )
            # The app may have had names before.
            wanted[f"sites-enabled/gunicorn-{site.app}"] = wanted[f"sites-available/gunicorn-{site.app}"] = None
        else:
            if here and site.mark not in here:
                raise NginxError(f"{ETC}/{self.available} exists and was not made by this role: move it away")
            if site.mark in default:
                # The app was the default site before: give that back.
                enabled, disabled = (_read(os.path.join(ETC, _ORIGINAL[each])) for each in (True, False))
                wanted[_DEFAULT] = disabled if enabled is None else enabled
                wanted[_ORIGINAL[True]] = wanted[_ORIGINAL[False]] = None
                if enabled is None:
                    wanted["sites-enabled/default"] = None
        link = f"sites-enabled/{site.name}"
        there = os.path.join(ETC, link)
        if os.path.lexists(there) and os.path.realpath(there) != os.path.realpath(os.path.join(ETC, self.available)):
            raise NginxError(f"{there} exists and was not made by this role: move it away")
        wanted[self.available] = site.text()
        wanted[link] = f"{ETC}/{self.available}"
        return wanted


def ready() -> bool:
    """Say whether nginx runs with what is in its tree, and will after a reboot."""
    if os.path.exists(_PENDING):
        return False
    state = _systemd.show("nginx.service", "ActiveState", "UnitFileState")
    return state == {"ActiveState": "active", "UnitFileState": "enabled"}


def make_ready() -> None:
    """Have nginx run now and after a reboot, with what is in its tree."""
    _systemd.require("enable", "--quiet", "nginx.service")
    _systemd.require("start", "nginx.service")
    if os.path.exists(_PENDING):
        _systemd.require("reload", "nginx.service")
        _forget_pending()


def _forget_pending() -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_PENDING)


def _take_up() -> None:
    """Reload nginx, never restart it, and wait until new workers answer."""
    if _systemd.show("nginx.service", "ActiveState")["ActiveState"] != "active":
        make_ready()
        return
    old = _workers()
    _systemd.require("reload", "nginx.service")
    deadline = time.monotonic() + _RELOAD_PATIENCE
    while not _workers() - old:
        if time.monotonic() > deadline:
            raise _systemd.SystemdError("nginx was told to reload, but no new worker appeared: see its error log")
        time.sleep(0.02)


def _workers() -> set[str]:
    master = _systemd.show("nginx.service", "MainPID")["MainPID"]
    with open(f"/proc/{master}/task/{master}/children", encoding="utf-8") as file:
        return set(file.read().split())


def _fault_of(tree: str) -> tuple[str | None, set[str]]:
    """Have nginx read I(tree) as its C(/etc/nginx); return what is wrong with it, and the files it read."""
    command = ["nginx", "-T"]
    if tree != ETC:
        unit = f"--unit=nginx-test-{secrets.token_hex(4)}"
        mount = f"--property=BindReadOnlyPaths={tree}:{ETC}"
        command = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", unit, mount, "--", *command]
    done = _command.run(command)
    said = [line for line in done.stderr.splitlines() if "[emerg]" in line or "conflicting server name" in line]
    loaded = set(re.findall(r"^# configuration file (.+):$", done.stdout, re.MULTILINE))
    if done.returncode and not said:
        said = [done.stderr.strip()]
    return "\n".join(said) or None, loaded


def _apply(tree: str, changes: dict[str, str | None]) -> None:
    for path, text in changes.items():
        full = os.path.join(tree, path)
        if text is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(full)
            continue
        os.makedirs(os.path.dirname(full), exist_ok=True)
        # Not beside the file: sites-enabled may be included with a star.
        temporary = os.path.join(tree, f".{os.path.basename(full)}.new")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        if text.startswith("/"):
            os.symlink(text, temporary)
        else:
            with open(temporary, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                file.write(text)
                os.fchmod(file.fileno(), 0o644)
        os.rename(temporary, full)


def _read(path: str) -> str | None:
    """Return the text of a file, or the target of a link."""
    if os.path.islink(path):
        return os.readlink(path)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
