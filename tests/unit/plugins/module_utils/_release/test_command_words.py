# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands are words that no shell sees, and their first one is found where the release has it."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._release import commands


@pytest.mark.parametrize(
    "command",
    [
        ["flask", "db", "upgrade"],
        ["manage.py", "clearsessions"],
        ["/usr/bin/pg_dump", "shop"],
        ["python", "-c", "import this; print(`x` if $y else 1)"],
        ["/bin/sh", "-c", "echo $HOME && date > /tmp/x"],
        ["celery", "-A", "shop", "worker", "--queues=a|b", "-Q", "", "price>10", "100%", "a$b"],
    ],
)
def test_words_are_fine(command):
    assert [*commands.faults(command), *commands.first_word_faults(command)] == []


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("flask db upgrade", "has 'flask db upgrade', but a command is a list of words, which no shell splits: write [flask, db, upgrade]"),
        ("echo 'a b", """has "echo 'a b", but a command is a list of words, which no shell splits: write [echo, "'a", b]"""),
        ([], "has the command [], but it must be a list of words, such as [manage.py, clearsessions]"),
        (None, "has the command None, but it must be a list of words, such as [manage.py, clearsessions]"),
        (["sleep", 5], "has 5 in a command, but its words are text: put it in quotes"),
        ([True], "has True in a command, but its words are text: put it in quotes"),
        (["", "x"], "has a command without its first word, ['', 'x']"),
        (["a", "b\0"], "has 'b\\x00' in a command, but no word can have a NUL"),
        (["sudo", "flask"], "has 'sudo', but what its account may do is the point: leave it out"),
        (["cd", "/srv"], "has 'cd', which is a shell's own: leave it out, or write [/bin/sh, -c, '...']"),
        (["A=1", "flask"], "has 'A=1' for a program: give the variable by gunicorn_env, or begin with /usr/bin/env"),
        (["flask db upgrade"], "has 'flask db upgrade' as one word: write [flask, db, upgrade]"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_words_is_refused(command, fault):
    assert list(commands.faults(command)) == [fault]


@pytest.mark.parametrize(
    "word",
    ["&&", "|", ";", ">", "2>&1", ">>", "2>/dev/null", "$HOME", "$(nproc)", "--workers=$(nproc)", "${A}", "`id`"],
)
def test_a_shells_syntax_is_refused(word):
    [fault] = commands.faults(["celery", word])
    assert f"has {word!r} in a command, but no shell reads it" in fault


@pytest.mark.parametrize(
    ("word", "said"), [("./manage.py", "write manage.py"), ("bin/x", "an absolute path"), ("-x", "by its name")]
)
def test_a_first_word_that_nothing_is_found_by_is_refused(word, said):
    [fault] = commands.first_word_faults([word])
    assert repr(word) in fault
    assert said in fault


@pytest.fixture
def folder(tmp_path, write):
    write(tmp_path, {"venv/bin/flask": "", "src/manage.py": ""})
    return tmp_path


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("flask", None),
        ("manage.py", None),
        ("/bin/sh", None),
        ("flaks", "has 'flaks', but the app's environment has no such program: did you mean flask?"),
        ("celery", "has no such program: add its package to the app's requirements"),
        ("sh", "has no such program: the host's is /usr/bin/sh: write that"),
        ("/nosuch/x", "has '/nosuch/x', but the host has no such file: add its Debian package to gunicorn_packages"),
    ],
)
def test_a_program_that_is_not_there_is_told(folder, word, said):
    fault = commands.absent([word], f"{folder}/venv", f"{folder}/src")
    assert (fault is None) if said is None else (said in fault)


def test_a_manage_py_elsewhere_is_told(folder):
    assert "set gunicorn_chdir" in commands.absent(["manage.py"], f"{folder}/venv", str(folder))


def test_what_is_run():
    assert commands.argv(["flask", "db"], "/r") == ["/r/venv/bin/flask", "db"]
    assert commands.argv(["manage.py", "x"], "/r") == ["/r/venv/bin/python", "manage.py", "x"]
    assert commands.argv(["/bin/sh"], "/r") == ["/bin/sh"]
