# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox for what is done to an app's code beside its service. Private to the collection.

What installs an app's packages, compiles its code or asks its Python something runs code that others wrote. Here it runs as
an account that owns nothing, made for the occasion, and sees Debian's programs, what it is given, and nothing else.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import IO, Any, cast

from ansible_collections.pyweb.stack.plugins.module_utils._host import hardening, scratch, shell, systemd

# What of the service's sandbox has no place here: a build runs programs that it made, some of which make their code as they
# run, and of the paths named there it sees none.
_OF_THE_SERVICE_ALONE = {"NoExecPaths", "InaccessiblePaths", "MemoryDenyWriteExecute", "ProtectHome", "UMask"}
# Of the host: programs, and what they need to find each other, names, servers and authorities.
_HOST = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime"),
    *("/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf"),
    *("/etc/services", "/etc/protocols", "/etc/mime.types", "/etc/gitconfig", "/etc/ssh/ssh_known_hosts"),
    *("/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/resolv.conf"),
    # Where the addresses of name servers are, if /etc/resolv.conf leads there.
    *("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf"),
)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The longest answer of a command inside, in bytes: what any build prints is far from it.
_LONGEST = 64 << 20
# Seconds until what helps a build has to be ready, and to be gone.
_READY_BY = 60
_ENDED_BY = 10
# Runs inside, and there one command after the other, each told by a line of JSON. No dollar in here: systemd would take
# it for a variable.
_FOREMAN = """
import json, os, subprocess, sys, tempfile
os.umask(0o022)
home = tempfile.mkdtemp()
for line in sys.stdin:
    asked = json.loads(line)
    try:
        done = subprocess.run(
            asked["argv"], input=asked["stdin"], env={"HOME": home, **asked["env"]}, cwd=asked["cwd"],
            capture_output=True, encoding="utf-8", errors=asked["errors"],
        )
        answer = {"returncode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
    except OSError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
"""
FOREMAN = ["/usr/bin/python3", "-I", "-S", "-c", _FOREMAN]

# Runs a command inside: `run(argv, seconds=60, stdin="", env={}, cwd="/", errors="replace")`, with the environment `env` and
# a home of its own; `errors` is as in shell.run. Raises SandboxError, and shell.Overdue where it did not end in so many seconds.
Run = Callable[..., shell.Done]


class SandboxError(OSError):
    """A command can't be run inside; the message says why."""


@dataclasses.dataclass
class Helper:
    """A script that runs inside: what it said when it was ready, and each line of JSON that it has said since."""

    ready: Any
    said: list[Any]


@dataclasses.dataclass(frozen=True)
class Sandbox:
    """Where something is done for the app `app` (empty for none that has a name) as an account that owns nothing, or as `account`.

    `purpose` is for people, as in "build its packages". Inside are, by their paths there, the files and folders of the
    host that it `reads` and the folders that it `writes`: these need mode 0777 below a folder that root alone can enter, and
    what comes to be in them is not to be trusted. With `network` it reaches other hosts. With `cache` it has a folder that
    outlives it, `cache_folder(app)`, which no other app's sandbox sees. No file gets more than `largest` bytes, 0 for no limit.
    """

    app: str
    purpose: str
    reads: Mapping[str, str] = dataclasses.field(default_factory=dict)
    writes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    network: bool = False
    cache: bool = False
    account: str = ""
    largest: int = 0

    @contextlib.contextmanager
    def entered(self, seconds: float) -> Iterator[Run]:
        """Yield what runs commands inside, one after the other, for no more than so many seconds in all.

        Nothing that they started is alive when this ends. Raises SandboxError where nothing can be run inside.
        """
        with self._unit() as unit, commands(unit.command(FOREMAN, seconds), unit.kill, unit.journal) as run:
            yield run

    @contextlib.contextmanager
    def serving(self, script: str, told: object, seconds: float) -> Iterator[Helper]:
        """Yield a Python script that runs inside until this ends, and for no more than so many seconds.

        It reads a line of JSON with what it is `told`, and says in one that it is ready; its input ends with whoever started
        it. Raises SandboxError where it doesn't come to that.
        """
        with self._unit() as unit:
            argv = unit.command(["/usr/bin/python3", "-I", "-S", "-c", script], seconds)
            with helper(argv, told, unit.kill, unit.journal) as it:
                yield it

    @contextlib.contextmanager
    def _unit(self) -> Iterator[systemd.Unit]:
        with scratch.folder() as root:
            os.chmod(root, 0o755)
            of = f" of the app {self.app}" if self.app else ""
            # Not named as the app's commands are, since what is left of a build that was killed is in nobody's way.
            kind = f"gunicorn-{self.app}-build" if self.app else "pyweb-stack-ask"
            yield systemd.Unit(kind, f"A sandbox to {self.purpose}{of}", tuple(self.properties(root)))

    def run(self, argv: list[str], seconds: float, **options: Any) -> shell.Done:
        """Run one command inside, with the options of `Run`."""
        with self.entered(seconds) as run:
            return run(argv, seconds=seconds, **options)

    def properties(self, root: str) -> Iterator[tuple[str, str]]:
        """Yield the properties of its unit, with an empty folder `root` for its root."""
        yield from (line for line in hardening.SERVICE if line[0] not in _OF_THE_SERVICE_ALONE)
        if self.account:
            yield "User", self.account
        else:
            yield "DynamicUser", "yes"
        if self.cache:
            # Each time the same account, who has its files then.
            yield "User", f"pyweb-{hashlib.sha256(self.app.encode()).hexdigest()[:12]}"
        yield "RootDirectory", root
        yield "MountAPIVFS", "yes"
        # Not the host's, in which apps have their own.
        yield "TemporaryFileSystem", "/dev/shm:mode=1777"
        yield "PrivateNetwork", "no" if self.network else "yes"
        if self.largest:
            yield "LimitFSIZE", str(self.largest)
        # What is still there when a command has ended is none of its result.
        yield "KillSignal", "SIGKILL"
        yield from (("BindReadOnlyPaths", f"-{path}") for path in _HOST)
        yield from (("BindReadOnlyPaths", _pair(path, inside)) for inside, path in self.reads.items())
        yield from (("BindPaths", _pair(path, inside)) for inside, path in self.writes.items())
        if self.cache:
            yield "CacheDirectory", os.path.basename(cache_folder(self.app))
            yield "CacheDirectoryMode", "0700"


def unconfined() -> contextlib.AbstractContextManager[Run]:
    """Return what runs commands with the rights of whoever runs this, who is not root: no account, no sandbox."""
    return commands(FOREMAN, lambda: None, lambda: "")


def interpreter(python: str) -> list[str]:
    """Return what of the host a sandbox has to see for a Python beside Debian's: its folder, and those it leads to."""
    found = []
    while not python.startswith(("/usr/", "/bin/")) and python not in found:
        folder = os.path.dirname(os.path.dirname(python))
        found += [python, *([folder] if folder != "/" else [])]
        if not os.path.islink(python):
            break
        python = os.path.normpath(os.path.join(os.path.dirname(python), os.readlink(python)))
    return sorted({os.path.realpath(path) for path in found} | set(found), key=len)


def covers(source: str, paths: Collection[str], seen: str, work: str) -> dict[str, str]:
    """Return what a sandbox reads so that these files of a source are empty, which it has at `seen`.

    The empty file is made in the folder `work`.
    """
    nothing = os.path.join(work, "nothing")
    with open(nothing, "xb"):
        os.chmod(nothing, 0o644)
    there = {path for path in map(os.path.normpath, paths) if os.path.isfile(os.path.join(source, path))}
    return {f"{seen}/{path}": nothing for path in sorted(there)}


def cache_folder(app: str) -> str:
    """Return the folder in which sandboxes of an app keep what the next one may take."""
    return f"/var/cache/gunicorn-{app}"


def remove_cache(app: str) -> None:
    """Remove that folder."""
    folder = cache_folder(app)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(folder)
    # Where systemd has what belongs to accounts that come and go.
    shutil.rmtree(os.path.join(os.path.dirname(folder), "private", os.path.basename(folder)), ignore_errors=True)


@contextlib.contextmanager
def commands(argv: list[str], kill: Callable[[], None], journal: Callable[[], str]) -> Iterator[Run]:
    """Yield what runs commands by way of `argv`, a command that runs FOREMAN; `kill` ends all of it at once.

    `journal` says why it could not be started.
    """
    with _Inside(argv, kill, journal) as inside:

        def run(
            command: list[str],
            *,
            seconds: float,
            stdin: str = "",
            env: Mapping[str, str] | None = None,
            cwd: str = "/",
            errors: str = "replace",
        ) -> shell.Done:
            environment = {"PATH": _PATH, **(env or {})}
            asked = {"argv": command, "stdin": stdin, "env": environment, "cwd": cwd, "errors": errors}
            line, late = inside.ask(asked, seconds)
            if late:
                raise shell.Overdue(f"{shell.shown(command)} did not end within {seconds:g} s")
            answer = _answer(line)
            if answer is None:
                inside.end()
                raise SandboxError(f"{shell.shown(command)} can't be run in its sandbox: {inside.why()}")
            if "error" in answer:
                raise SandboxError(f"{shell.shown(command)} can't be run in its sandbox: {answer['error']}")
            return subprocess.CompletedProcess(command, answer["returncode"], answer["stdout"], answer["stderr"])

        try:
            yield run
        except BaseException:
            inside.end()
            raise


@contextlib.contextmanager
def helper(argv: list[str], told: object, kill: Callable[[], None], journal: Callable[[], str]) -> Iterator[Helper]:
    """Yield the script that the command `argv` runs, as Sandbox.serving does."""
    with _Inside(argv, kill, journal, patience=_ENDED_BY) as inside:
        first, _late = inside.ask(told, _READY_BY)
        if not first:
            raise SandboxError(f"what helps a build can't be run in its sandbox: {inside.why()}")
        it = Helper(json.loads(first), [])
        reader = threading.Thread(target=lambda: it.said.extend(map(json.loads, inside.back)), daemon=True)
        reader.start()
        try:
            yield it
        finally:
            inside.leave()
            reader.join()


class _Inside:
    """What the command `argv` runs inside, told and answering by lines of JSON; it ends when this does.

    `kill` ends all of it at once, which it comes to if it does not end in `patience` seconds, None for as long as it takes.
    `journal` says why it could not be started.
    """

    def __init__(
        self, argv: list[str], kill: Callable[[], None], journal: Callable[[], str], patience: float | None = None
    ):
        # AnsibleModule.run_command is not to be had below the modules.
        self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._to, self.back, self._errors = (
            cast(IO[bytes], pipe) for pipe in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        self._kill, self._journal, self._patience = kill, journal, patience

    def __enter__(self) -> _Inside:
        return self

    def __exit__(self, *_error: object) -> None:
        self.leave()
        for pipe in (self.back, self._errors):
            pipe.close()

    def ask(self, told: object, seconds: float) -> tuple[bytes, bool]:
        """Return the line that it answers, and whether it was ended since it had not within so many seconds."""
        late = threading.Event()

        def expire() -> None:
            late.set()
            self.end()

        timer = threading.Timer(seconds, expire)
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                self._to.write(json.dumps(told).encode() + b"\n")
                self._to.flush()
            return self.back.readline(_LONGEST), late.is_set()
        finally:
            timer.cancel()

    def why(self) -> str:
        """Return why it has ended without an answer."""
        return self._errors.read().decode(errors="replace").strip() or self._journal()

    def end(self) -> None:
        """End it at once."""
        self._kill()
        self._process.kill()

    def leave(self) -> None:
        """Have it end, as it does when its input ends, and wait for that."""
        with contextlib.suppress(BrokenPipeError):
            self._to.close()
        try:
            self._process.wait(self._patience)
        except subprocess.TimeoutExpired:
            self.end()
            self._process.wait()


def _answer(line: bytes) -> dict | None:
    """Return what the foreman answered, None where it is no answer of its; what it runs may write in its place."""
    try:
        answer = json.loads(line)
        kinds = {"returncode": int, "stdout": str, "stderr": str} if "error" not in answer else {"error": str}
        # No bool for a number.
        return answer if all(type(answer[name]) is kind for name, kind in kinds.items()) else None  # pylint: disable=unidiomatic-typecheck
    except (ValueError, TypeError, KeyError):
        return None


def _pair(path: str, inside: str) -> str:
    """Return a path and where it is to be, as systemd reads it."""
    if any(set(each) & set('"\\\n') for each in (path, inside)):
        raise SandboxError(
            f"{path} can't be had in a sandbox: choose a path without quotes, backslashes and line breaks"
        )
    return f'"{path}":"{inside}"'
