# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of systemd, with scripts in the place of its programs."""

from __future__ import annotations

import os

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, shell, systemd


def test_a_release_has_a_pair_of_units_of_its_own():
    assert systemd.instance("shop", "4f6a") == "gunicorn-shop@4f6a"


def test_a_removed_unit_is_gone_and_one_that_was_not_there_no_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path))
    (tmp_path / "gunicorn-shop@4f6a.socket").write_text("[Socket]\n")
    systemd.remove(["gunicorn-shop@4f6a.service", "gunicorn-shop@4f6a.socket"])
    assert os.listdir(tmp_path) == []


def test_several_units_are_asked_for_by_one_question(monkeypatch, write, tmp_path):
    write(tmp_path, {"systemctl": "#!/bin/sh\nprintf 'A=1\\nB=x=y\\n\\nA=2\\n'\n"}).joinpath("systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert systemd.show_all(["one.service", "two.socket"], "A", "B") == {
        "one.service": {"A": "1", "B": "x=y"},
        "two.socket": {"A": "2"},
    }


@pytest.fixture
def programs(tmp_path, monkeypatch, write):
    """Put programs of systemd's, as scripts, in front of the real ones."""

    def programs(**scripts: str) -> None:
        for name, script in scripts.items():
            path = write(tmp_path, {f"bin/{name.replace('_', '-')}": f"#!/bin/sh\n{script}\n"}) / "bin"
            (path / name.replace("_", "-")).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")

    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(write(tmp_path, {"units/.x": ""}) / "units"))
    return programs


def test_what_systemctl_refuses_is_told_with_its_words(programs):
    programs(systemctl="echo 'Failed to start x: Unit x not found.' >&2; exit 5")
    with pytest.raises(systemd.SystemdError, match=r"^systemctl start x: Failed to start x: Unit x not found\.$"):
        systemd.require("start", "x")
    assert systemd.ctl("start", "x").returncode == 5


def test_units_are_looked_at_before_they_are_there(programs, tmp_path):
    programs(systemd_analyze=f'shift 2; cat "$@" > {tmp_path}/seen')
    systemd.verify({"gunicorn-shop.service": "[Service]\nExecStart=/bin/true\n"})
    assert (tmp_path / "seen").read_text() == "[Service]\nExecStart=/bin/true\n"


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        ("/tmp/x/gunicorn-shop.service:3: Unknown key name", 0, "Unknown key name"),
        (
            "/tmp/x/gunicorn-shop.service: bad\n/usr/lib/systemd/system/other.service: bad",
            1,
            "gunicorn-shop.service: bad",
        ),
        ("no such file", 1, "no such file"),
    ],
)
def test_what_systemd_has_against_units_is_told_warnings_too(programs, said, code, told):
    programs(systemd_analyze=f"printf '%s\\n' '{said}' >&2; exit {code}")
    with pytest.raises(systemd.SystemdError, match=told) as caught:
        systemd.verify({"gunicorn-shop.service": "[Service]\n"})
    assert "other.service" not in str(caught.value)


def test_what_systemd_says_of_units_of_others_is_no_matter(programs):
    programs(systemd_analyze="echo '/usr/lib/systemd/system/other.service:3: Unknown key name' >&2")
    systemd.verify({"gunicorn-shop.service": "[Service]\n"})


def test_a_command_runs_in_a_unit_and_its_failure_is_noted(programs, tmp_path):
    programs(
        systemd_run=f'printf "%s\\n" "$@" > {tmp_path}/asked; while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
        systemd_cat=f"echo $1 > {tmp_path}/noted; cat >> {tmp_path}/noted",
        journalctl="echo 'Failed at step NAMESPACE'",
    )
    done = systemd.run("shop", [("User", "shop")], ["sh", "-c", "echo out; echo err >&2"], 60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert "--property=User=shop" in asked
    # It ends by itself where nobody is left who waits for it.
    assert "--property=RuntimeMaxSec=75" in asked
    assert [each for each in asked if each.startswith("--unit=gunicorn-shop-run-")]
    assert not (tmp_path / "noted").exists()
    assert systemd.run("shop", [], ["sh", "-c", "echo err >&2; exit 3"], 60).returncode == 3
    assert (tmp_path / "noted").read_text() == "--identifier=gunicorn-shop\nerr\n"
    # Why it could not begin, only the journal knows.
    assert systemd.run("shop", [], ["sh", "-c", "exit 226"], 60).stderr == "Failed at step NAMESPACE\n"


def test_a_command_that_does_not_end_is_killed_with_its_unit(programs, tmp_path):
    programs(systemd_run="exec sleep 60", systemctl=f'echo "$@" >> {tmp_path}/asked')
    with pytest.raises(shell.Overdue):
        systemd.run("shop", [], ["true"], 0.2)
    assert "kill --signal=KILL gunicorn-shop-run-" in (tmp_path / "asked").read_text()


def test_the_journal_is_written_first_and_its_end_comes_in_its_order(programs, tmp_path):
    programs(journalctl=f'echo "$@" >> {tmp_path}/asked; [ "$1" = --sync ] || printf "last\\nfirst\\n"')
    assert systemd.journal("x.service", 12.3456, 5) == "first\nlast\n"
    sync, asked = (tmp_path / "asked").read_text().splitlines()
    assert sync == "--sync"
    assert {"--since=@12.346", "--lines=5", "_SYSTEMD_UNIT=x.service", "UNIT=x.service"} <= set(asked.split())


def test_commands_run_with_what_the_service_has_but_its_own():
    text = "[Unit]\nDescription=x\n\n[Service]\nUser=shop\nExecStart=/x\nEnvironmentFile=/srv/shop/releases/%i/env\nRestart=always\n"
    assert command_line.properties(text, "1") == [
        ("User", "shop"),
        ("EnvironmentFile", "/srv/shop/releases/1/env"),
    ]


def test_what_systemd_has_of_an_app(programs, monkeypatch):
    listed = (
        '[{"unit": "gunicorn-shop@1.service", "load": "loaded", "active": "active"}, {"unit": "gunicorn-shop@1.socket", "load": "loaded", "active": "active"}, '
        '{"unit": "gunicorn-shop@2.service", "load": "not-found", "active": "inactive"}]'
    )
    programs(systemctl=f"echo '{listed}'")
    assert systemd.loaded_instances("shop") == {"1"}
    monkeypatch.setattr(os.path, "isdir", lambda _path: True)
    assert systemd.commands("shop") == ["gunicorn-shop@1.service", "gunicorn-shop@1.socket", "gunicorn-shop@2.service"]
    programs(systemctl="exit 1")
    assert (systemd.loaded_instances("shop"), systemd.commands("shop")) == (set(), [])
    monkeypatch.setattr(os.path, "isdir", lambda _path: False)
    assert systemd.commands("shop") == []


def test_units_are_written_and_read_only_where_they_differ(programs, tmp_path):
    programs(systemctl=f'echo "$@" >> {tmp_path}/asked')
    units = {"gunicorn-shop.service": "[Service]\n"}
    assert systemd.edited(units) == []
    assert systemd.install(units) == ["gunicorn-shop.service"]
    assert systemd.install(units) == []
    assert (tmp_path / "asked").read_text() == "daemon-reload\n"
    (tmp_path / "units/gunicorn-shop.service").write_text("[Service]\nNice=5\n")
    (part,) = systemd.edited(units)
    assert (part["before"], part["after"]) == ("[Service]\nNice=5\n", "[Service]\n")


@pytest.mark.parametrize(
    ("groups", "unit"),
    [
        ("0::/system.slice/system-gunicorn\\x2dshop.slice/gunicorn-shop@0b1a.service\n", "gunicorn-shop@0b1a.service"),
        ("9:name=systemd:/docker/0e/system.slice/cron.service\n5:memory:/docker/0e\n0::/\n", "cron.service"),
        ("0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"),
        ("0::/docker-0e.scope/system.slice/cron.service\n", "cron.service"),
        ("0::/\n", ""),
        ("", None),
    ],
)
def test_the_unit_of_a_process(monkeypatch, groups, unit):
    monkeypatch.setattr(systemd.files, "read", {"/proc/4711/cgroup": groups}.__getitem__)
    assert systemd.unit_of("4711") == unit
