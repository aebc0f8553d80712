# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of variables mean what python-dotenv and systemd take them for, or are refused by their lines."""

from __future__ import annotations

import io

import hypothesis
import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._release import dotenv
from hypothesis import strategies

# Whatever tells readers of such files apart: quotes, blanks, escapes, comments, variables.
TEXTS = strategies.text("ab'\"\\#${} \t\nxé=;", max_size=5)
FILES = strategies.lists(
    strategies.tuples(
        strategies.sampled_from(["A=", "B=", "C =", "D= ", " E=", "F='", 'G="', "export H=", "I", "# J=", "1K=", ""]),
        TEXTS,
        strategies.sampled_from(["\n", "\r\n", "'\n", '"\n', "' \n", "# a comment\n"]),
    ),
    min_size=1,
    max_size=2,
).map(lambda lines: "".join("".join(line) for line in lines))


def _of_systemd(text: str) -> dict[str, str]:
    """Read a file as systemd does: the states of parse_env_file_internal in its env-file.c (versions 249 to 257)."""
    state, key, value, found, keep = "before key", "", "", {}, 0

    def end():
        if key:
            found[key.rstrip(" \t")] = value[:keep] if state in ("value", "before value") else value

    for character in f"{text}\n":
        newline, blank = character in "\n\r", character in " \t\n\r"
        if state == "before key":
            if character in "#;":
                state = "comment"
            elif not blank:
                state, key = "key", character
        elif state == "key":
            if newline:
                state, key = "before key", ""
            elif character == "=":
                state, value, keep = "before value", "", 0
            else:
                key += character
        elif state in ("before value", "value"):
            if newline:
                end()
                state, key, value, keep = "before key", "", "", 0
            elif character == "'" and state == "before value":
                state = "single"
            elif character == '"' and state == "before value":
                state = "double"
            elif character == "\\":
                state = "value escape"
            elif state == "value" or not blank:
                value += character
                state = "value"
                keep = keep if blank else len(value)
        elif state == "value escape":
            state = "value"
            if not newline:
                value += character
                keep = len(value)
        elif state == "single":
            if character == "'":
                state, keep = "before value", len(value)
            else:
                value += character
        elif state == "double":
            if character == '"':
                state, keep = "before value", len(value)
            elif character == "\\":
                state = "double escape"
            else:
                value += character
        elif state == "double escape":
            state = "double"
            value += character if character in '"\\`$' else "" if character == "\n" else f"\\{character}"
        elif newline:
            state = "before key"
    return found


@hypothesis.settings(max_examples=600, deadline=None)
@hypothesis.given(FILES)
def test_what_is_taken_both_take_for_the_same(text):
    found, faults = dotenv.parse(text)
    if faults:
        return
    hypothesis.event(f"{len(found)} variables")
    # As Python reads files, and as they are on servers.
    text = text.replace("\r\n", "\n")
    assert _of_systemd(text) == found
    other = pytest.importorskip("dotenv", reason="python-dotenv is not there")
    assert other.dotenv_values(stream=io.StringIO(text)) == found


def test_a_file_as_people_write_it():
    text = (
        "# Production\r\n\nSECRET_KEY='a#b \"c\" $d'\r\nDATABASE_URL=postgres://shop@/shop?x=1&y=#2\n  DEBUG = no  \nEMPTY=\n"
        'HOSTS={"a": "b\'c"}\nQUOTED="a \\"b\\" c\\\\d\\e"\nKEY="-----BEGIN-----\nabc=\n-----END-----\n"\nPATTERN=\'^\\d+$\''
    )
    assert dotenv.parse(text) == (
        {
            "SECRET_KEY": 'a#b "c" $d',
            "DATABASE_URL": "postgres://shop@/shop?x=1&y=#2",
            "DEBUG": "no",
            "EMPTY": "",
            "HOSTS": '{"a": "b\'c"}',
            "QUOTED": 'a "b" c\\d\\e',
            "KEY": "-----BEGIN-----\nabc=\n-----END-----\n",
            "PATTERN": "^\\d+$",
        },
        [],
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("secret", "has no NAME=value"),
        ("export A=secret", "begins with 'export'"),
        ("A-B=secret", "has a name that is none"),
        ("; A=secret", "has a name that is none"),
        ("1A=secret", "has a name that is none"),
        ("\ufeffA=secret", "has a name that is none"),
        ("A=secret # why", "has '#' behind a blank, or first, in the value of A"),
        ("A=#secret", "has '#' behind a blank, or first, in the value of A"),
        ("A='secret' # why", "has something behind the quoted value of A"),
        ("A='sec''ret'", "has something behind the quoted value of A"),
        ("A=sec\\ret", "has a backslash in the value of A: put it in single quotes"),
        ('A="sec\\nret"', "has a backslash in the value of A that not all read alike"),
        ('A="sec\\$ret"', "has a backslash in the value of A that not all read alike"),
        ("A='sec\\\\ret'", "has a backslash before a quote or another backslash in the value of A"),
        ("A='secret\\'", "has a backslash before a quote or another backslash in the value of A"),
        ("A=${SECRET}", "has '${' in the value of A"),
        ("A='${SECRET}'", "has '${' in the value of A"),
        ("A='secret", "opens a quote for the value of A that nothing closes"),
        ('A="secret', "opens a quote for the value of A that nothing closes"),
        ("A=secret\u00a0", "has a character in the value of A that can't be seen"),
        ("A=sec\rret", "has a character in the value of A that can't be seen"),
        ("B=secret", "sets B again, which line 1 has set"),
        ("LISTEN_FDS=1", "sets LISTEN_FDS, but systemd sets it"),
        ("A='sec\0ret'", "has a value for A with a NUL"),
    ],
)
def test_what_not_all_read_alike_is_refused_by_its_line_and_shown_nowhere(line, said):
    _found, faults = dotenv.parse(f"B='1\n2'\n{line}\nC=3\n")
    assert len(faults) == 1
    assert faults[0].startswith(f"line 3 {said}")
    assert "ret" not in faults[0].replace("secret:", "")


def test_all_faults_are_told():
    assert [fault.split()[1] for fault in dotenv.parse("A\nB=1\nB=2\nC='\n")[1]] == ["1", "3", "4"]


def test_a_mark_that_nobody_sees_is_no_part_of_the_first_name():
    assert dotenv.parse("\ufeffA=1\r\nB=2\r\n") == ({"A": "1", "B": "2"}, [])
