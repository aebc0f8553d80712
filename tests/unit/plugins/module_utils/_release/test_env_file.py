# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of an app arrives as the user wrote it, or is refused."""

from __future__ import annotations

import re
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._release import env_file

VALUES = [
    "",
    "plain",
    " ends and  middle ",
    "two\nlines\n",
    "\r\n\t\x1b\x7f\x01",
    "\"double\" and 'single'",
    "back\\slash \\n \\\\ \\",
    "$HOME ${HOME} $(id) `id` $$ $",
    "%n %i %%",
    "# no comment",
    "; semicolon",
    'end"\nINJECTED="1',
    "größer 中 😀 \ud7ff\ue000\ufdcf\ufdf0\ufffd",
    "p*?[a]~!&|<>(){}^",
    "=",
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_arrives_unchanged(value, tmp_path):
    """A shell reads what systemd reads in the same way (systemd.exec(5))."""
    (tmp_path / "env").write_text(env_file.render({"B": "next", "A": value}), encoding="utf-8", newline="")

    script = "set -a; . ./env; exec env -0"
    got = subprocess.run(
        ["sh", "-c", script], env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path, capture_output=True, check=True
    )

    assert env_file.fault("A", value) is None
    lines = got.stdout.decode().split("\0")
    assert [line for line in lines if line.startswith(("A=", "B=", "INJECTED="))] == [f"A={value}", "B=next"]


def test_the_text_is_that_of_systemd():
    text = env_file.render({"B": "2\n3", "A": '1 "$x" `y` \\'})
    assert env_file.parse(text) == {"B": "2\n3", "A": '1 "$x" `y` \\'}
    assert text == 'A="1 \\"\\$x\\" \\`y\\` \\\\"\nB="2\n3"\n'


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("1A", "x", "has the name '1A'"),
        ("A-B", "x", "has the name 'A-B'"),
        ("A B", "x", "has the name 'A B'"),
        ("GUNICORN_CMD_ARGS", "--reload", "sets GUNICORN_CMD_ARGS, but .* use gunicorn_settings"),
        ("NOTIFY_SOCKET", "/run/x", "sets NOTIFY_SOCKET, but systemd sets it"),
        ("A", 8000, "for A, but the environment holds text only: put the value in quotes"),
        ("A", True, "for A, but the environment holds text only"),
        ("A", None, "for A, but the environment holds text only"),
        ("A", ["x"], "for A, but the environment holds text only"),
        ("A", "hunter2\0", "has a value for A with a NUL"),
        ("A", "hunter2\ud800", "a lone surrogate"),
        ("A", f"hunter2{chr(0xDFFF)}", "a lone surrogate"),
        ("A", "hunter2\ufdd0", "a Unicode noncharacter"),
        ("A", "hunter2\ufdef", "a Unicode noncharacter"),
        ("A", "hunter2\uffff", "a Unicode noncharacter"),
        ("A", "hunter2\U0010fffe", "a Unicode noncharacter"),
        ("A", "hunter2" * 18_725, "has 131077 bytes for A, but a variable can have 131071: put them into a file"),
    ],
)
def test_a_fault_names_the_variable_and_hides_the_value(key, value, said):
    fault = env_file.fault(key, value)

    assert re.search(said, fault)
    assert "hunter2" not in fault


def test_sizes_are_those_that_the_kernel_takes():
    longest = {"A": "é" * 65_534 + "x"}
    assert env_file.faults(longest) == [None]
    assert "has 131072 bytes for A" in env_file.faults({"A": longest["A"] + "x"})[0]

    most = {f"A{number:02}": "x" * 99_987 for number in range(20)}
    assert not any(env_file.faults(most))
    assert env_file.faults({**most, "A": ""})[-1] == (
        "takes 2000011 bytes, but a process can have 2000000: put what is long into a file that the app reads"
    )


def test_of_all_together_is_told_when_each_is_well():
    found = [fault for fault in env_file.faults({"A": "x" * 200_000, "B": 7}) if fault]
    assert [fault.split(",")[0] for fault in found] == ["has 200002 bytes for A", "has a value of type int for B"]
