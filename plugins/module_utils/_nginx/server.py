# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx on this host, which proves a site on a staged copy of its whole tree before it takes it up.

Private to the collection.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import pwd
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import locks, ports, scratch, shell, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import config_parser, site_files, sites

ETC = "/etc/nginx"
# In seconds. nginx itself tries for half a second, five times, to get an address that somebody else has.
_RELOAD_PATIENCE = 10.0
_REACH_PATIENCE = 5.0
READY = "active, enabled"
# There while nginx may not have taken up what is in its tree: a run may be killed between the two.
_PENDING = "/run/pyweb-stack-nginx-pending"
# Of `sites.TYPES`, what Debian's mime.types has.
_DEBIANS = {"wasm", "avif", "woff2"}
# Where nobody but root can open it, or any account could hold it.
_LOCK = "/run/pyweb-stack/nginx.lock"
# Seconds for nginx to say what it thinks of a configuration.
_PATIENCE = 120


class NginxError(Exception):
    """nginx refuses its configuration; the message says whose fault it is and what nginx said."""


def user() -> str:
    """Return the account of nginx's workers, which is Debian's where nginx is not installed yet."""
    conf = config_parser.load(ETC)
    named = [each.arguments[0] for each in config_parser.inside(conf, "user") if each.arguments]
    if named or not installed():
        return named[0] if named else "www-data"
    built = re.search(r"--user=([\w-]+)", _run("nginx", "-V").stderr)
    return built[1] if built else "nobody"


def _group() -> int:
    """Return the group of nginx's workers."""
    return pwd.getpwnam(user()).pw_gid


def installed() -> bool:
    """Say whether nginx is there."""
    return os.path.isfile(os.path.join(ETC, "nginx.conf")) and shutil.which("nginx") is not None


def has_http2() -> bool:
    """Say whether nginx has the directive `http2`, as from 1.25.1 on, where `listen` warns of the same word.

    One that is not installed yet is taken for a newer one.
    """
    if not installed():
        return True
    version = re.search(r"/(\d+)\.(\d+)\.(\d+)", _run("nginx", "-v").stderr)
    return not version or tuple(map(int, version.groups())) >= (1, 25, 1)


def capacity() -> tuple[int, int]:
    """Return how many workers nginx has, and how many connections each of them takes; Debian's where it isn't installed."""
    conf = config_parser.load(ETC)
    workers = [each.arguments[0] for each in conf if each.name == "worker_processes"]
    taken = [
        each.arguments[0] for each in config_parser.inside(config_parser.blocks(conf, "events"), "worker_connections")
    ]
    cpus = os.cpu_count() or 1
    number = (int(workers[-1]) if workers[-1].isdigit() else cpus) if workers else 1
    return (number, int(taken[-1]) if taken else 512) if conf else (cpus, 768)


def has(module: str) -> bool:
    """Say whether nginx has a module, such as `brotli_filter`, that its configuration loads."""
    conf = config_parser.load(ETC)
    loaded = [each.arguments[0] for each in config_parser.inside(conf, "load_module") if each.arguments]
    return any(os.path.basename(path) == f"ngx_http_{module}_module.so" for path in loaded)


def has_quic(app: str) -> bool:
    """Say whether another site than that of `app` has `reuseport` for HTTP/3, which can be said once for an address."""
    http = config_parser.blocks(config_parser.load(ETC), "http")
    own = {each.path for each in config_parser.inside(http, "upstream") if each.arguments == [f"gunicorn_{app}"]}
    listens = [
        set(listen.arguments)
        for each in config_parser.inside(http, "server")
        if each.path not in own
        for listen in config_parser.inside(each.block, "listen")
    ]
    return any({"quic", "reuseport"} <= words for words in listens)


def has_http3() -> bool:
    """Say whether nginx was built with HTTP/3, which one that is not installed yet may be."""
    return not installed() or "http_v3_module" in _run("nginx", "-V").stderr


def missing_types() -> dict[str, str]:
    """Return those of `sites.TYPES` that nginx's list lacks; one that is not installed yet is taken for Debian's."""
    http = config_parser.blocks(config_parser.load(ETC), "http")
    known = {ending for each in config_parser.blocks(http, "types") for ending in each.arguments}
    return {ending: kind for ending, kind in sites.TYPES.items() if ending not in (known or _DEBIANS)}


def unreachable(path: str) -> str | None:
    """Return why nginx's account may not connect to the unix socket at `path`, or None where it may, or nobody listens."""

    def connect() -> int:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_REACH_PATIENCE)
            return connection.connect_ex(path)

    return _forbidden(connect)


def unreadable(path: str) -> str | None:
    """Return why nginx's account may not read the file at `path`, or what is in that folder; None where it may, or it isn't there."""

    def look() -> int:
        try:
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)
        except OSError as error:
            return error.errno or errno.EIO
        return 0 if os.access(path, os.X_OK if is_folder else os.R_OK) else errno.EACCES

    return _forbidden(look)


def _forbidden(trial: Callable[[], int]) -> str | None:
    """Return what forbids nginx's account to do what `trial` does, by the error number that this returns, or None."""
    name = user()
    account = pwd.getpwnam(name)
    child = os.fork()
    if not child:
        # Whatever happens in here, the copy of this process ends here.
        fault = errno.EIO
        with contextlib.suppress(BaseException):
            os.initgroups(name, account.pw_gid)
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            fault = trial()
        os._exit(fault)
    fault = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return f"{os.strerror(fault)} for the account {name!r}" if fault in (errno.EACCES, errno.EPERM) else None


def leading_to(folder: str, address: str | None) -> list[str]:
    """Return the files by which nginx brings visitors to an app: to its `folder`, or to its fixed `address`."""
    ways = [f"{re.escape(folder)}/current/", *[rf"{re.escape(each)}\b" for each in [address] if each]]
    found = []
    for path in sorted([*glob.glob(f"{ETC}/sites-enabled/*"), *glob.glob(f"{ETC}/conf.d/*.conf")]):
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
            if re.search("|".join(ways), re.sub(r"#.*", "", file.read())):
                found.append(path)
    return found


@contextlib.contextmanager
def locked(purpose: str, patience: float = 60) -> Iterator[None]:
    """Let no other run change nginx's tree meanwhile; waits up to `patience` seconds for one that does.

    Raises NginxError, which says who that is.
    """
    os.makedirs(os.path.dirname(_LOCK), mode=0o700, exist_ok=True)
    try:
        with locks.held(_LOCK, purpose, patience):
            yield
    except locks.Busy as holder:
        raise NginxError(
            f"another run is changing nginx's sites ({holder}) and did not end within {patience:.0f} s: wait for it, then "
            "run again"
        ) from holder


def look(tree: site_files.Tree) -> None:
    """Find out whether nginx can serve the tree's site beside all others. Raises NginxError, which says who is in the way."""
    state = systemd.show("nginx.service", "LoadState", "MainPID")
    if state["LoadState"] == "masked" and tree.entry:
        raise NginxError(
            f"nginx.service is masked on this host, so nothing was changed. {_serving()} "
            "To have nginx serve the site: systemctl unmask nginx.service"
        )
    clashes = tree.clashes()
    if clashes:
        raise NginxError("\n".join([*clashes, f"Nothing was changed. {_serving()}"]))
    fault = _fault_of(ETC)[0]
    # Of a site that was changed by hand, or has lost its certificate, what takes its place is proved.
    if fault and not tree.repairs(fault):
        if site_files.NO_IPV6 in fault:
            fault += (
                "\nThis host has no IPv6: take each `listen [::]:…` out of the files below /etc/nginx, such as that of Debian's "
                "own site, sites-available/default"
            )
        raise NginxError(
            f"nginx's configuration is broken already, so the site {tree.path or 'that is to go'} was not touched; repair it first:\n{fault}\n"
            f"{_serving()} The app is as it was deployed."
        )
    listens = tree.listens()
    for address, listen in listens.items():
        if _everywhere(address) in listens and address != _everywhere(address):
            # nginx listens there by listening at all addresses, which is looked at by itself.
            continue
        taken = None if ports.listens(state["MainPID"], address) else ports.fault(address)
        if taken:
            raise NginxError(
                f"nginx can't listen on {address}, as {listen.where} says, since {taken}. Nothing was changed. {_serving()} "
                + (
                    "Its sites listen on that port in different ways, which a reload can't change: give all of them the "
                    "same addresses, or restart nginx yourself."
                    if "nginx.service" in taken
                    else "Free the address, or have nginx listen elsewhere."
                )
            )


def _everywhere(address: str) -> str:
    """Return all addresses of a kind with the port of this one."""
    host, _colon, port = address.rpartition(":")
    return f"{'[::]' if host.startswith('[') else '0.0.0.0'}:{port}"


def prove(tree: site_files.Tree) -> None:
    """Have nginx test a copy of its tree with the changes. Raises NginxError."""
    # Not below /run/systemd or /tmp, which the private namespace of the test may replace.
    with scratch.folder() as stage:
        copy = os.path.join(stage, "nginx")
        shutil.copytree(ETC, copy, symlinks=True)
        site_files.apply(copy, tree.changes())
        fault, loaded = _fault_of(copy)
    if fault:
        subject = f"the site {tree.path}" if tree.path else "its configuration without the site"
        raise NginxError(f"nginx rejects {subject}; nothing was changed. {_serving()}\n{fault}")
    if tree.entry and tree.entry not in loaded:
        raise NginxError(f"nginx would not read {tree.entry}: have {ETC}/nginx.conf include it in its http block")


def install(tree: site_files.Tree) -> None:
    """Move the proved changes into place and have nginx take them up, or put back what was there."""
    before, was_pending = tree.before(), pending()
    owe_reload()
    try:
        site_files.apply(ETC, tree.changes(), _group())
        make_ready(start=tree.entry is not None)
    except (systemd.SystemdError, OSError) as error:
        site_files.apply(ETC, before, _group())
        # It may have been about to take up the new one.
        systemd.ctl("reload", "nginx.service")
        if not was_pending:
            _forget_pending()
        raise NginxError(
            f"nginx did not take up {f'the site {tree.path}' if tree.path else 'its tree without the site'}, so its files are as "
            f"they were before. {_serving()}\n{error}"
        ) from error


def pending() -> bool:
    """Say whether nginx may not have taken up what is in its tree."""
    return os.path.exists(_PENDING)


def owe_reload() -> None:
    """Note that nginx has not taken up what changed beside its tree, such as a certificate at the same path."""
    with open(_PENDING, "w", encoding="utf-8"):
        pass


def state() -> str:
    """Return how nginx is: `READY` where it runs with what is in its tree, and will after a reboot."""
    shown = systemd.show("nginx.service", "ActiveState", "UnitFileState")
    return f"{shown['ActiveState']}, {shown['UnitFileState']}{', to be reloaded' * pending()}"


def make_ready(start: bool = True) -> None:
    """Have nginx run with what is in its tree, now and after a reboot. One that doesn't run is let be without `start`."""
    if systemd.active("nginx.service"):
        if pending():
            _reload()
    elif start:
        _tell("start")
    if start:
        systemd.require("enable", "--quiet", "nginx.service")
    _forget_pending()


def _serving() -> str:
    """Say what nginx does now."""
    if systemd.active("nginx.service"):
        return "nginx still runs with what it has loaded."
    return "nginx does not run."


def _forget_pending() -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_PENDING)


def _reload() -> None:
    """Reload nginx, never restart it, and wait until new workers answer."""
    old = _workers()
    _tell("reload")
    deadline = time.monotonic() + _RELOAD_PATIENCE
    while not _workers() - old:
        if time.monotonic() > deadline:
            raise systemd.SystemdError("nginx was asked to reload, but no new worker appeared: see its error log")
        time.sleep(0.02)


def _tell(verb: str) -> None:
    """Have systemd tell nginx, and raise SystemdError with what nginx said, which systemctl leaves in the journal."""
    since = time.time()
    done = systemd.ctl(verb, "nginx.service")
    if done.returncode:
        journal = systemd.journal("nginx.service", since)
        raise systemd.SystemdError(f"systemctl {verb} nginx.service: {done.stderr.strip()}\n{journal}")


def _run(*argv: str) -> shell.Done:
    # nginx itself looks up its servers' names while it tests, and has no end of its own for that.
    return shell.run(list(argv), identity=shell.CALLER, sandbox=None, seconds=_PATIENCE)


def _workers() -> set[str]:
    master = systemd.show("nginx.service", "MainPID")["MainPID"]
    with open(f"/proc/{master}/task/{master}/children", encoding="utf-8") as file:
        return set(file.read().split())


def _fault_of(tree: str) -> tuple[str | None, set[str]]:
    """Have nginx read `tree` as its `/etc/nginx`; return what is wrong with it, and the files it read."""
    command = ["nginx", "-T"]
    if tree != ETC:
        unit = f"--unit=nginx-test-{secrets.token_hex(4)}"
        mount = f"--property=BindReadOnlyPaths={tree}:{ETC}"
        command = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", unit, mount, "--", *command]
    done = _run(*command)
    said = [line for line in done.stderr.splitlines() if "[emerg]" in line]
    loaded = set(re.findall(r"^# configuration file (.+):$", done.stdout, re.MULTILINE))
    if done.returncode and not said:
        said = [done.stderr.strip()]
    return "\n".join(said) or None, loaded
