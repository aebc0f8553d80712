# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that real commands build; only the sandbox is left out. npm itself builds one on a server."""

from __future__ import annotations

import os
import pathlib
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import sealing
from ansible_collections.pyweb.stack.plugins.module_utils._release import build, derived
from ansible_collections.pyweb.stack.plugins.module_utils._release.build import Build, BuildError
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._source.additions import AdditionError


def _sh(script: str) -> list[str]:
    return ["sh", "-c", script]


@pytest.fixture
def store(tmp_path, as_root, write):
    store = Store(str(tmp_path), "shop")
    with store.locked("a test"):
        write(store.item("sources", "a" * 40), {"app.py": "A = 1\n", "ui/app.js": "hi\n", ".env": "TOKEN=x\n"})
        return store


@pytest.fixture
def make(store):
    """Build the source by these commands; return the folder of what was built, and what there is to say."""

    def make(*commands: list[str], secrets: tuple[str, ...] = ()) -> tuple[pathlib.Path, str]:
        source, place = store.item("sources", "a" * 40), store.item("sources", "b" * 40)
        with store.locked("a test"), store.stage("sources", "b" * 40) as stage:
            note = Build("shop", list(commands), secrets).make(source, stage, place, sys.executable)
        return pathlib.Path(place), note

    return make


def test_what_the_commands_leave_is_a_source(make, store):
    built, note = make(_sh("mkdir dist && tr a-z A-Z < ui/app.js > dist/app.js"), ["rm", "-r", "ui"])
    assert (built / "dist/app.js").read_text() == "HI\n"
    assert not (built / "ui").exists()
    assert (built / "app.py").exists()
    assert list((built / "__pycache__").glob("app.*.pyc"))
    assert note == ""
    assert derived.origin(str(built)) == "a" * 40
    # The source that it was made of is as it was.
    assert pathlib.Path(store.item("sources", "a" * 40), "ui/app.js").exists()
    assert derived.origin(store.item("sources", "a" * 40)) is None


def test_a_command_sees_what_says_how_to_reach_others_and_nothing_else(make, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.example.com:3128")
    monkeypatch.setenv("npm_config_registry", "https://npm.example.com")
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    built, _note = make(_sh("env > env.txt"))
    seen = dict(line.split("=", 1) for line in (built / "env.txt").read_text().splitlines())
    assert seen["https_proxy"] == "http://proxy.example.com:3128"
    assert seen["npm_config_registry"] == "https://npm.example.com"
    assert seen["npm_config_cache"] == "/var/cache/gunicorn-shop/npm"
    assert "SECRET_KEY" not in seen


def test_a_secret_file_is_empty_for_the_commands_and_whole_after_them(make):
    built, _note = make(_sh("cp .env seen.txt"), secrets=(".env", "nosuch"))
    assert (built / "seen.txt").read_text() == ""
    assert (built / ".env").read_text() == "TOKEN=x\n"


def test_a_secret_file_is_not_put_where_a_command_leads(tmp_path, write):
    write(tmp_path / "source", {"conf/key": "k"})
    for name in ("made", "outside"):
        (tmp_path / name).mkdir()
    (tmp_path / "made/conf").symlink_to(tmp_path / "outside")
    with pytest.raises(AdditionError, match="'conf' on its way is a link"):
        Build("shop", [], ["conf/key"])._give_back(str(tmp_path / "source"), str(tmp_path / "made"))
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_failure_has_its_command_and_its_first_cause(make):
    script = "echo fine; echo 'npm WARN error of old' >&2; printf '\\033[31m✘ Could not resolve \"x\"\\033[0m\\n' >&2; exit 3"
    with pytest.raises(BuildError, match=r"^gunicorn_build: \[sh, -c, ") as failure:
        make(_sh(script))
    first, *rest = str(failure.value).splitlines()
    assert first.endswith("failed with exit status 3:")
    assert rest[0] == '✘ Could not resolve "x"'


def test_what_no_source_may_have_is_refused(make):
    with pytest.raises(
        BuildError, match=r"^gunicorn_build left what no source may have: tool would run with the rights"
    ):
        make(_sh("touch tool && chmod u+s tool"))


@pytest.mark.parametrize(("bound", "value"), [("MOST_FILES", 3), ("MOST_BYTES", 30)])
def test_what_is_left_has_bounds(make, monkeypatch, bound, value):
    monkeypatch.setattr(sealing, bound, value)
    with pytest.raises(
        BuildError, match=r"left more than an app has: .*: remove what it doesn't need to run by a last command"
    ):
        make(_sh("mkdir dist; echo a long line of text that is too much > dist/app.js"))


def test_a_heap_of_modules_is_told(make):
    _built, note = make(_sh("mkdir node_modules"))
    assert "end with [rm, -rf, node_modules]" in note


def test_the_versions_of_programs_are_asked_for(write, tmp_path):
    programs = {"told": "echo 9.2.0; echo more", "mute": "exit 1"}
    write(tmp_path, {name: f"#!/bin/sh\n{script}\n" for name, script in programs.items()})
    for name in programs:
        (tmp_path / name).chmod(0o755)
    wanted = [[f"{tmp_path}/told", "x"], [f"{tmp_path}/mute"], ["./own.sh"], ["env", "A=1", f"{tmp_path}/told"]]
    assert build.tools("shop", wanted) == {f"{tmp_path}/told": "9.2.0"}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["yarn"], "has [yarn], but the host has no program yarn: add yarnpkg"),
        (["env", "A=1", "npx", "x"], "no program npx: add nodejs and npm to gunicorn_packages"),
        (["tsx"], "add the Debian package that has it, maybe tsx, to gunicorn_packages"),
    ],
)
def test_a_program_that_the_host_lacks_is_told(monkeypatch, tmp_path, command, said):
    monkeypatch.setattr(build, "_PATH", str(tmp_path))
    assert build.lacking([["./own.sh"]]) is None
    assert said in build.lacking([["./own.sh"], command])


def test_the_name_has_all_that_decides():
    how = {"commands": [["npm", "ci"]], "tools": {"npm": "9.2.0"}}
    names = {
        derived.name("/s/1", how),
        derived.name("/s/2", how),
        derived.name("/s/1", {**how, "commands": [["npm", "i"]]}),
        derived.name("/s/1", {**how, "tools": {"npm": "10"}}),
    }
    assert len(names) == 4
    assert derived.name("/elsewhere/1", how) in names


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        ("npm ERR! code ENOTFOUND", "The registry can't be reached"),
        ("npm ERR! The `npm ci` command can only install with an existing package-lock.json", "Commit a package-lock.json"),
        ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "Node.js had too little memory"),
        ("Error: EROFS: read-only file system, mkdir '/usr/x'", "A build may write to its copy of the source"),
    ],
)  # fmt: skip
def test_what_helps_is_told(said, helps):
    assert helps in build.cause(said, "")


def test_what_npm_says_of_its_logs_is_left_out():
    lines = [
        "Missing script: x",
        "",
        "A complete log of this run can be found in:",
        "    /var/cache/a/_logs/1-debug-0.log",
    ]
    assert build.cause("\n".join(f"npm ERR! {line}" for line in lines), "") == "npm ERR! Missing script: x"


def test_a_failure_that_says_nothing_of_its_cause_has_its_end():
    assert build.cause("", "\n".join(map(str, range(30)))).splitlines()[-1] == "29"
    assert build.cause("", "") == "It said nothing."


def test_an_origin_stays_with_what_was_made_of_it(make, store):
    make(["true"])
    os.makedirs(store.item("releases", "0" * 12))
    os.symlink(f"../../sources/{'b' * 40}", store.item("releases", "0" * 12) + "/src")
    assert {"a" * 40, "b" * 40} <= store._used(["0" * 12], "sources")


def test_an_origin_is_not_read_from_elsewhere(store, tmp_path):
    (tmp_path / "elsewhere").write_text("a" * 40)
    source = store.item("sources", "b" * 40)
    os.makedirs(source)
    os.symlink(tmp_path / "elsewhere", f"{source}/{derived.ORIGIN}")
    assert derived.origin(source) is None
