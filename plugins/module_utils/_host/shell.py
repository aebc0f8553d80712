# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command and keep what it says. Private to the collection."""

from __future__ import annotations

import subprocess

Done = subprocess.CompletedProcess[str]


def run(
    argv: list[str],
    stdin: str = "",
    env: dict[str, str] | None = None,
    cwd: str | None = None,
    errors: str = "replace",
) -> Done:
    """Run a command to its end, whatever its exit status, and return a `subprocess.CompletedProcess` with text.

    `env` replaces the environment where it is given. Bytes that are no UTF-8 are replaced, since the text is for
    people; where it names files, `errors` is `surrogateescape`. Raises OSError where the command can't be started.
    """
    # AnsibleModule.run_command is not to be had below the modules.
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors=errors,
        env=env,
        cwd=cwd,
    ) as process:
        stdout, stderr = process.communicate(stdin)
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)
