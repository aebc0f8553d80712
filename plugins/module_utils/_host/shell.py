# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command and keep what it says: as whom, in which sandbox and for how long, each call says. Private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import typing

Done = subprocess.CompletedProcess[str]


@dataclasses.dataclass(frozen=True)
class Account:
    """As whom a command runs: the numbers of a user and its group; it has no other groups."""

    uid: int
    gid: int


# Whoever runs this process: root on a server, and on the controller the person who deploys.
CALLER: Account | None = None


class Sandbox(typing.Protocol):
    """What shuts a command in, and says as whom it runs there."""

    def command(self, argv: list[str], seconds: float) -> list[str]:
        """Return the command that runs `argv` inside, where it is ended after so many seconds, whatever happens here."""

    def kill(self) -> None:
        """End at once all that runs inside."""


class Overdue(TimeoutError):
    """A command did not end in time and was killed; the message names it."""


def run(
    argv: list[str],
    *,
    identity: Account | None,
    sandbox: Sandbox | None,
    seconds: float,
    stdin: str = "",
    env: dict[str, str] | None = None,
    cwd: str | None = None,
    errors: str = "replace",
) -> Done:
    """Run a command to its end, whatever its exit status, and return it with what it printed.

    It runs as `identity`, an account or `CALLER`; in `sandbox`, or None for no sandbox; and after `seconds` it is killed
    with all that it started. A sandbox is entered as CALLER and says itself as whom the command runs in it.

    `env` replaces the environment where it is given. Bytes that are no UTF-8 are replaced, since the text is for
    people; where it names files, `errors` is `surrogateescape`. Raises OSError where the command can't be started, and
    its subclass Overdue where it took too long.
    """
    account: dict[str, typing.Any] = (
        {"user": identity.uid, "group": identity.gid, "extra_groups": []} if identity else {}
    )
    # AnsibleModule.run_command is not to be had below the modules.
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        sandbox.command(argv, seconds) if sandbox else argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors=errors,
        env=env,
        cwd=cwd,
        # A group of its own, so that a kill reaches what it started, such as git's ssh.
        start_new_session=True,
        **account,
    ) as process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=seconds)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if sandbox:
                sandbox.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                raise Overdue(f"{shown(argv)} did not end within {seconds:g} s") from error
            raise
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


def shown(argv: list[str]) -> str:
    """Return which command that is, for people; the rest of its arguments may be long, or no business of theirs."""
    return " ".join([os.path.basename(argv[0]), *argv[1:2]])
