# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source, built by commands of its user's before anything else is made of it, such as a front end by npm.

Private to the collection. They run as an account that owns nothing, on a copy, with nothing of the app's environment. They
reach other hosts, as what builds packages does, and have a cache that no other app's see.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, proxies, sandboxes, shell
from ansible_collections.pyweb.stack.plugins.module_utils._release import commands, derived
from ansible_collections.pyweb.stack.plugins.module_utils._source.additions import Additions

# Seconds for all commands of a build, and for what a program says of its version.
_SECONDS = 3600
_VERSION = 60
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Of the environment of this process what a build is told: the way out, and whom to trust and ask for packages.
_TOLD = re.compile(r"(?i:(http|https|all|no)_proxy|npm_config_\w+|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+)")
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# What npm is told by everybody on this host.
_OF_THE_HOST = ("/etc/npmrc",)
# A program that another one runs decides as well.
_RUN_BY = dict.fromkeys(("npm", "npx", "yarn", "yarnpkg", "pnpm", "corepack", "tsc", "sass"), "node")
_PACKAGES = {
    "npm": "nodejs and npm",
    "npx": "nodejs and npm",
    "node": "nodejs",
    "yarn": "yarnpkg (whose program has that name)",
    "cargo": "cargo",
    "go": "golang-go",
    "msgfmt": "gettext",
}
# How the first line of what matters looks, and what is none of it.
_CAUSE = re.compile(r"(?i)error|ERR!|fatal|cannot|can't|could not|not found|no such|failed|denied|missing")
_PASSED_OVER = re.compile(r"npm (?:(?:warn|WARN|notice)\b|(?:ERR!|error)(?:$|\s+A complete log|\s+/\S+\.log$))")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LINES = 12
_REMEDIES = (
    (
        r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|network request",
        "The registry can't be reached: the play's environment may name a way out, https_proxy, or another one, "
        "npm_config_registry; a file .npmrc in the source counts, too.",
    ),
    (
        r"can only install (?:packages )?(?:with an existing|when your) package",
        "Commit a package-lock.json that fits package.json, as npm install writes it.",
    ),
    (r"EBADENGINE|Unsupported engine|SyntaxError: Unexpected token|requires? Node", "Debian's Node.js may be too old for it."),
    (
        r"heap out of memory",
        "Node.js had too little memory: begin the command with env, as in [env, NODE_OPTIONS=--max-old-space-size=2048, npm, run, build].",
    ),
    (
        r"Read-only file system|EROFS|EACCES",
        "A build may write to its copy of the source, to /tmp and to $HOME, and nowhere else.",
    ),
)  # fmt: skip


class BuildError(Exception):
    """The source can't be built; the message names gunicorn_build."""


def lacking(wanted: list[list[str]]) -> str | None:
    """Return what is wrong with the first command whose program this host lacks, None where it has all."""
    for command in wanted:
        program = _program(command)
        # One of the source's own is there or not when its turn comes.
        if "/" in program and not program.startswith("/"):
            continue
        if not shutil.which(program, path=_PATH):
            package = _PACKAGES.get(program, f"the Debian package that has it, maybe {os.path.basename(program)},")
            return (
                f"gunicorn_build has {commands.shown(command)}, but the host has no program {program}: add {package} to "
                "gunicorn_packages"
            )
    return None


def tools(app: str, wanted: list[list[str]]) -> dict[str, str]:
    """Return what the programs of these commands say to C(--version), which is part of a built source's name.

    Raises OSError.
    """
    programs = {program for program in map(_program, wanted) if "/" not in program or program.startswith("/")}
    programs |= {_RUN_BY[program] for program in programs if program in _RUN_BY}
    asked = sandboxes.Sandbox(app, "ask for the versions of what builds its source")
    with asked.entered(_VERSION) as run:
        said = {program: run([program, "--version"], seconds=_VERSION) for program in sorted(programs)}
    return {program: done.stdout.partition("\n")[0].strip() for program, done in said.items() if not done.returncode}


class Build:
    """The `commands` by which a source of `app` is built; `secrets` are the files of it that they must not see."""

    def __init__(self, app: str, wanted: list[list[str]], secrets: Collection[str] = ()):
        self._app = app
        self._commands = wanted
        self._secrets = [os.path.normpath(path) for path in secrets]

    def make(self, source: str, stage: str, place: str, python: str) -> str:
        """Build the sealed `source` into the empty folder `stage`, which is to be renamed to `place`.

        Returns what people should know of it, empty if there is nothing. Raises BuildError, or OSError.
        """
        # No account but root can enter; a later run clears away what a killed one left.
        with tempfile.TemporaryDirectory(prefix=".stage-", dir=os.path.dirname(stage)) as work:
            made = os.path.join(work, "made")
            os.mkdir(made)
            os.chmod(made, 0o777)
            with self._inside(source, work, place, made) as run:
                self._run(run, source=os.path.join(work, "sealed"), place=place)
            self._give_back(source, made)
            note = _note(made)
            try:
                derived.seal(self._app, made, place, source, python)
            except derived.DerivedError as error:
                raise BuildError(f"gunicorn_build {error}") from error
            os.rename(made, stage)
        return note

    @contextlib.contextmanager
    def _inside(self, source: str, work: str, place: str, made: str) -> Iterator[sandboxes.Run]:
        sealed = os.path.join(work, "sealed")
        told = [path for path in _OF_THE_HOST if os.path.exists(path)]
        sandbox = sandboxes.Sandbox(
            self._app,
            "build its source",
            reads={
                sealed: source,
                **sandboxes.covers(source, self._secrets, sealed, work),
                **{path: path for path in told},
            },
            writes={place: made},
            network=True,
            cache=True,
        )
        with sandbox.entered(_SECONDS) as run:
            yield run

    def _run(self, run: sandboxes.Run, source: str, place: str) -> None:
        copied = run(derived.copy(source, place), seconds=_SECONDS)
        if copied.returncode:
            raise BuildError(f"gunicorn_build: the source can't be copied: {copied.stderr.strip()}")
        environment = _environment(self._app)
        with proxies.without_passwords(environment, _SECONDS, _CERTIFICATES) as ways_out:
            for command in self._commands:
                self._do(run, command, ways_out.put_into(environment), place)

    def _do(self, run: sandboxes.Run, command: list[str], environment: dict[str, str], place: str) -> None:
        named = f"gunicorn_build: {commands.shown(command)}"
        try:
            done = run(command, seconds=_SECONDS, env=environment, cwd=place)
        except shell.Overdue as error:
            raise BuildError(f"{named} did not end within {_SECONDS} s, which a build may take in all") from error
        if done.returncode:
            raise BuildError(f"{named} failed with exit status {done.returncode}:\n{cause(done.stderr, done.stdout)}")

    def _give_back(self, source: str, made: str) -> None:
        """Put the files that the commands did not see where they belong."""
        for path in self._secrets:
            if os.path.isfile(os.path.join(source, path)):
                file = {"content": files.read(os.path.join(source, path)), "replace": True}
                Additions({path: file}, [], "").add(made)


def cause(stderr: str, stdout: str) -> str:
    """Return the first lines of what a failed command said that tell why, and what helps where that is known."""
    said = _COLOURS.sub("", f"{stderr.strip()}\n{stdout.strip()}")
    lines = [line for line in map(str.rstrip, said.splitlines()) if line and not _PASSED_OVER.match(line)]
    first = next((number for number, line in enumerate(lines) if _CAUSE.search(line)), max(0, len(lines) - _LINES))
    told = lines[first : first + _LINES] or ["It said nothing."]
    return "\n".join([*told, *(remedy for sign, remedy in _REMEDIES if re.search(sign, said))])


def _program(command: list[str]) -> str:
    """Return the program that a command is about: that of C(env) is the one that it starts."""
    words = iter(command)
    first = next(words)
    if os.path.basename(first) != "env":
        return first
    return next((word for word in words if not word.startswith("-") and "=" not in word), first)


def _environment(app: str) -> dict[str, str]:
    cache = sandboxes.cache_folder(app)
    told = {name: value for name, value in os.environ.items() if _TOLD.fullmatch(name)}
    return {
        "XDG_CACHE_HOME": cache,
        "npm_config_cache": f"{cache}/npm",
        # Of no use here, and each asks another host.
        **{f"npm_config_{name}": "false" for name in ("audit", "fund", "update_notifier")},
        "NODE_EXTRA_CA_CERTS": _CERTIFICATES,
        "CI": "true",
        "NO_COLOR": "1",
        **told,
    }


def _note(folder: str) -> str:
    modules = os.path.join(folder, "node_modules")
    if not os.path.isdir(modules):
        return ""
    return (
        f"gunicorn_build left node_modules in the source, {derived.weight(modules) >> 20} MiB in each release that is built: if "
        "the app doesn't need it to run, end with [rm, -rf, node_modules]."
    )
