# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where git runs, since what it reads others wrote: in a sandbox, as an account that owns nothing. Private to the collection."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

from ansible_collections.pyweb.stack.plugins.module_utils._host import accounts, proxies, sandboxes, scratch, sealing
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._source import ssh

# Seconds that a repository may take for what is asked of it, a fetch of all that it has, too; and to send less than 1000
# bytes a second.
SECONDS = 3600
_SLOW = {"GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": str(ssh.SILENT_FOR)}
# Nothing but git itself runs here: no hook, no watcher, and of the filters that the host has none that .gitattributes names.
_ALONE = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never"]
# What of an environment names files of authorities.
_AUTHORITIES = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE")
# What it may be told by variables; not where a repository is, as a hook that runs this has of its own.
_OF_GIT = ("GIT_CONFIG_", "GIT_HTTP_", "GIT_PROXY_", "GIT_SSL_", "GIT_TRACE", "GIT_ALLOW_PROTOCOL")
# What git has in its user's home: its settings, and passwords.
_SETTINGS = (".config/git/config", ".gitconfig")
_PASSWORDS = (".git-credentials", ".config/git/credentials", ".netrc")


class Git:
    """git in its sandbox, by `run`, with an `environment` and `options` of its own."""

    def __init__(self, run: sandboxes.Run, environment: Mapping[str, str], options: list[str]):
        self._run = run
        self._environment = environment
        self._options = options

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Done:
        """Run git to its end, whatever its exit status. What it reads and prints may be names of files."""
        return self.beside(["git", *_ALONE, *self._options, *arguments], env, stdin)

    def of(self, room: str) -> Git:
        """Return the same for the repository, and the index, in a folder."""
        environment = {**self._environment, "GIT_INDEX_FILE": f"{room}/index"}
        return Git(self._run, environment, [*self._options, f"--git-dir={room}/repository"])

    def first_lines(self, most: int, *arguments: str) -> list[str]:
        """Return no more than so many lines of what git says, which is ended then."""
        script = ["sh", "-c", 'most=$1; shift; "$@" | head --lines="$most"', "sh", str(most)]
        return self.beside([*script, "git", *_ALONE, *self._options, *arguments]).stdout.splitlines()

    def beside(self, argv: list[str], env: Mapping[str, str] | None = None, stdin: str = "") -> Done:
        """Run another command where git runs."""
        environment = {**self._environment, **(env or {})}
        return self._run(argv, seconds=SECONDS, stdin=stdin, env=environment, errors="surrogateescape")


@contextlib.contextmanager
def entered(
    url: str, way: ssh.Ssh, options: list[str], environment: Mapping[str, str], work: str | None = None
) -> Iterator[Git]:
    """Yield git in a sandbox for the repository at `url`, where it can write the folder `work` alone.

    A repository of another host is read by an account that owns nothing, with the settings and passwords of git that
    whoever runs this has at home; ssh is lent to it. One of this host is read by its owner, with nothing else.
    Nothing of it runs when this ends. Raises SandboxError, AccountError and OSError where it can't be entered.
    """
    with contextlib.ExitStack() as stack:
        told = stack.enter_context(scratch.folder())
        home = os.path.join(told, "git")
        os.mkdir(home)
        os.chmod(home, 0o755)
        here = _path(url)
        environment = {**_environment(), **environment, "HOME": home, "XDG_CONFIG_HOME": f"{home}/.config"}
        reads = {path: path for name in _AUTHORITIES for path in [environment.get(name, "")] if os.path.exists(path)}
        if here is None:
            _copy_settings(home)
            environment.update(GIT_SSH_COMMAND=stack.enter_context(way.lent(home)), GIT_SSH_VARIANT="ssh")
        elif os.path.exists(here):
            reads[here] = here
        sandbox = sandboxes.Sandbox(
            "",
            "read a git repository",
            reads={**reads, home: home},
            writes={work: work} if work else {},
            network=True,
            account=_owner(here) if here in reads else "",
            largest=sealing.MOST_BYTES,
        )
        # Several commands, of which each may take that long.
        run = stack.enter_context(sandbox.entered(4 * SECONDS))
        yield Git(run, environment, options)


def _path(url: str) -> str | None:
    """Return the path of a repository of this host, None for one of another; see git-fetch(1)."""
    if url.startswith("file://"):
        return url.removeprefix("file://")
    # Only a slash before the colon has it be no host's.
    return None if ":" in url.partition("/")[0] else os.path.abspath(url)


def _owner(path: str) -> str:
    account = accounts.owner(path)
    return str(account.uid) if account else "root"


def _environment() -> dict[str, str]:
    """Return what of this process's environment is for git, or for the way to its servers."""
    return {
        name: value
        for name, value in os.environ.items()
        if name == "PATH" or name in _AUTHORITIES or name.startswith(_OF_GIT) or proxies.VARIABLE.fullmatch(name)
        if name != "GIT_CONFIG_GLOBAL"
    } | {**_SLOW, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}


def _copy_settings(home: str) -> None:
    """Write to the home that git has in its sandbox what it has at home, where only root can read some of it."""
    given = os.environ.get("GIT_CONFIG_GLOBAL")
    settings = [given] if given else [os.path.expanduser(f"~/{name}") for name in _SETTINGS]
    # Of two that say something different, the later counts.
    texts = {".gitconfig": b"\n".join(_read(path) for path in settings)}
    texts |= {name: _read(os.path.expanduser(f"~/{name}")) for name in _PASSWORDS}
    for name, text in texts.items():
        if text:
            path = os.path.join(home, name)
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            with open(path, "wb") as file:
                file.write(text)
                os.fchmod(file.fileno(), 0o644)


def _read(path: str) -> bytes:
    if not os.path.isfile(path):
        return b""
    with open(path, "rb") as file:
        return file.read()
