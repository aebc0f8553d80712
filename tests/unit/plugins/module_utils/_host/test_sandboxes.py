# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sandbox is told, and what becomes of its answers; what it keeps in is tested on servers."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import hardening, sandboxes, shell
from ansible_collections.pyweb.stack.plugins.module_utils._host.sandboxes import Sandbox, SandboxError

PYTHON = ["/usr/bin/env", sys.executable, "-c"]


def _properties(**given) -> list[tuple[str, str]]:
    return list(Sandbox("shop", "try it", **given).properties("/run/root"))


def test_it_is_as_tight_as_the_service_but_for_what_a_build_is_for():
    there = _properties()
    left_out = {name for name, value in hardening.SERVICE if (name, value) not in there}
    assert left_out == {"NoExecPaths", "InaccessiblePaths", "MemoryDenyWriteExecute", "ProtectHome", "UMask"}
    assert {("DynamicUser", "yes"), ("RootDirectory", "/run/root"), ("PrivateNetwork", "yes")} <= set(there)
    assert not {"CacheDirectory", "LimitFSIZE"} & set(dict(there))
    assert ("LimitFSIZE", "4096") in _properties(largest=4096)


def test_it_sees_what_it_is_given():
    there = _properties(reads={"/srv/a b": "/srv/a b"}, writes={"/srv/out": "/srv/.stage-1/out"}, network=True)
    assert ("BindReadOnlyPaths", '"/srv/a b":"/srv/a b"') in there
    assert ("BindPaths", '"/srv/.stage-1/out":"/srv/out"') in there
    assert ("PrivateNetwork", "no") in there
    with pytest.raises(SandboxError, match="choose a path without quotes"):
        _properties(reads={'/a"b': '/a"b'})


def test_each_app_keeps_its_own():
    accounts = {dict(Sandbox(app, "try it", cache=True).properties("/"))["User"] for app in ("shop", "blog")}
    assert len(accounts) == 2
    assert all(len(account) <= 31 for account in accounts)
    assert ("CacheDirectory", "gunicorn-shop") in _properties(cache=True)


def test_who_may_read_what_is_not_for_all():
    assert [line for line in _properties(account="shop") if line[0] in ("User", "DynamicUser")] == [("User", "shop")]


def test_commands_one_after_the_other():
    with sandboxes.unconfined() as run:
        first = run([*PYTHON, "import sys; print(sys.stdin.read()); sys.exit(3)"], seconds=60, stdin="größe")
        second = run([*PYTHON, "import os; print(os.environ['A'], os.getcwd())"], seconds=60, env={"A": "1"}, cwd="/")
        with pytest.raises(SandboxError, match="No such file or directory"):
            run(["/nosuch"], seconds=60)
        assert run(["true"], seconds=60).returncode == 0
    assert (first.returncode, first.stdout, first.stderr) == (3, "größe\n", "")
    assert second.stdout == "1 /\n"


def test_nothing_of_this_processs_environment_gets_in(monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    with sandboxes.unconfined() as run:
        names = run([*PYTHON, "import os; print(*sorted(os.environ))"], seconds=60).stdout.split()
    assert set(names) - {"LC_CTYPE"} == {"HOME", "PATH"}


def test_what_takes_too_long_is_killed_and_named():
    with pytest.raises(shell.Overdue, match=r"^sleep 600 did not end within 0.2 s$"), sandboxes.unconfined() as run:
        run(["sleep", "600"], seconds=0.2)


@pytest.mark.parametrize(
    "answer", ["", "no JSON", "[]", "{}", '{"returncode": "0", "stdout": "", "stderr": ""}', '{"error": 1}', "null"]
)
def test_what_answers_in_place_of_the_foreman_is_no_answer(answer):
    argv = ["sh", "-c", "read line; printf '%s\\n' \"$1\"", "sh", answer]
    with (
        pytest.raises(SandboxError, match=r"^true can't be run in its sandbox: the journal$"),
        sandboxes.commands(argv, lambda: None, lambda: "the journal") as run,
    ):
        run(["true"], seconds=60)


def test_what_an_interpreter_of_ones_own_needs(tmp_path, write):
    write(tmp_path, {"3.14/bin/python3.14": ""})
    (tmp_path / "python").symlink_to("3.14")
    (tmp_path / "3.14/bin/python3").symlink_to("python3.14")
    needed = sandboxes.interpreter(f"{tmp_path}/python/bin/python3")
    assert {f"{tmp_path}/python", f"{tmp_path}/3.14"} <= set(needed)
    assert sandboxes.interpreter("/usr/bin/python3") == []
    # Not the whole host.
    assert sandboxes.interpreter("/opt/python3") == ["/opt/python3"]
