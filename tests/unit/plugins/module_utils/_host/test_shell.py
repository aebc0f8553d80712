# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and what they say."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import shell


@pytest.mark.parametrize(
    ("script", "options", "said"),
    [
        ("echo out; echo err >&2; exit 3", {}, (3, "out\n", "err\n")),
        ("cat", {"stdin": "größe"}, (0, "größe", "")),
        ("cat", {}, (0, "", "")),
        (r"printf 'a\377b'", {}, (0, "a\ufffdb", "")),
        ("echo $A; echo $HOME", {"env": {"A": "1"}}, (0, "1\n\n", "")),
        ("pwd", {"cwd": "/"}, (0, "/\n", "")),
    ],
)
def test_a_command(script, options, said):
    done = shell.run(["/bin/sh", "-c", script], **options)
    assert (done.returncode, done.stdout, done.stderr) == said


def test_a_command_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        shell.run(["/nosuch"])
