# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx on this host, which proves a site on a staged copy of its whole tree before it takes it up.

Private to the collection.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import secrets
import shutil
import tempfile
import time

from ansible_collections.pyweb.stack.plugins.module_utils import _command, _file, _site_tree, _systemd

ETC = "/etc/nginx"
_RELOAD_PATIENCE = 5.0
# There while nginx may not have taken up what is in its tree: a run may be killed between the two.
_PENDING = "/run/pyweb-stack-nginx-pending"


class NginxError(Exception):
    """nginx refuses its configuration; the message says whose fault it is and what nginx said."""


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


def address(app: str) -> str | None:
    """Return the app's C(gunicorn_bind), as its unit on this host has it, or None."""
    unit = _file.read(os.path.join(_systemd.UNIT_FOLDER, f"gunicorn-{app}-tcp.socket"))
    match = re.search(r"^ListenStream=(.+)$", unit, re.MULTILINE)
    return match and match[1]


def leading_to(folder: str, app: str) -> list[str]:
    """Return the files by which nginx brings visitors to an app: to its folder, or to its fixed address."""
    ways = [f"{re.escape(folder)}/current/", *[rf"{re.escape(each)}\b" for each in [address(app)] if each]]
    found = []
    for path in sorted([*glob.glob(f"{ETC}/sites-enabled/*"), *glob.glob(f"{ETC}/conf.d/*.conf")]):
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
            if re.search("|".join(ways), re.sub(r"#.*", "", file.read())):
                found.append(path)
    return found


def prove(tree: _site_tree.Tree) -> None:
    """Have nginx test its tree as it is, then a copy of it with the changes. Raises NginxError."""
    fault = _fault_of(ETC)[0]
    if fault:
        raise NginxError(f"nginx's configuration is broken already, without this site; repair it first: {fault}")
    # Not below /run/systemd or /tmp, which the private namespace of the test may replace.
    stage = tempfile.mkdtemp(prefix="pyweb-stack-nginx-", dir="/run")
    try:
        copy = os.path.join(stage, "nginx")
        shutil.copytree(ETC, copy, symlinks=True)
        _site_tree.apply(copy, tree.changes())
        fault, loaded = _fault_of(copy)
    finally:
        shutil.rmtree(stage)
    if fault:
        subject = f"the site {tree.path}" if tree.path else "to be without the site"
        raise NginxError(f"nginx refuses {subject}; nothing was changed: {fault}")
    if tree.entry and tree.entry not in loaded:
        raise NginxError(f"nginx would not read {tree.entry}: have {ETC}/nginx.conf include it in its http block")


def install(tree: _site_tree.Tree) -> None:
    """Move the proved changes into place and have nginx take them up, or put back what was there."""
    before = tree.before()
    with open(_PENDING, "w", encoding="utf-8"):
        pass
    _site_tree.apply(ETC, tree.changes())
    try:
        _take_up(start=tree.entry is not None)
        _forget_pending()
    except _systemd.SystemdError as error:
        _site_tree.apply(ETC, before)
        raise NginxError(f"nginx did not take up the site, so the former one is back: {error}") from error


def pending() -> bool:
    """Say whether nginx may not have taken up what is in its tree."""
    return os.path.exists(_PENDING)


def ready() -> bool:
    """Say whether nginx runs with what is in its tree, and will after a reboot."""
    if pending():
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


def _take_up(start: bool) -> None:
    """Reload nginx, never restart it, and wait until new workers answer; where it doesn't run, I(start) it or let it be."""
    if _systemd.show("nginx.service", "ActiveState")["ActiveState"] != "active":
        if start:
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
