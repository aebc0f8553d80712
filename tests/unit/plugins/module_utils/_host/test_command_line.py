# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command gunicorn-APP as it is on a server, a program of its own; systemd is played by a few lines of shell."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line
from ansible_collections.pyweb.stack.plugins.module_utils._release import host_command
from ansible_collections.pyweb.stack.plugins.module_utils._serving import instance

ID = "0a1b2c3d4e5f"
# Notes what it is asked, and runs the command as systemd would, in its folder and with its dollars.
SYSTEMD_RUN = """#!{python} -I
import os, re, sys
at = sys.argv.index("--")
open("{root}/asked", "a").write("\\n".join(sys.argv[1:at]) + "\\n")
folder = next(one[len("--property=WorkingDirectory="):] for one in sys.argv if one.startswith("--property=WorkingDirectory="))
words = [re.sub(r"\\$(.)", lambda found: "$" if found[1] == "$" else "EXPANDED", word) for word in sys.argv[at + 1:]]
open("{root}/pid", "w").write(str(os.getpid()))
os.chdir(folder)
os.execvp(words[0], words)
"""
# A signal is for all that runs in a unit.
SYSTEMCTL = """#!/bin/sh
echo "$@" >> {root}/asked
case "$1" in
  kill) kill "-${{2#--signal=}}" "-$(cat {root}/pid)" ;;
  show) cat {root}/shown ;;
esac
"""
JOURNALCTL = """#!/bin/sh
case "$*" in
  --field=_SYSTEMD_UNIT)
    printf '%s\\n' ssh.service gunicorn-shop@{id}.service gunicorn-shop-worker@{id}.service gunicorn-shopping@{id}.service \\
      gunicorn-shop-run-0a1b2c3d.service gunicorn-shop-command-{id}-0a1b2c3d.service gunicorn-shop_two@{id}.service ;;
  --field=UNIT) printf '%s\\n' gunicorn-shop@ffffffffffff.service gunicorn-shop.service ;;
  *) printf '%s\\n' "$@" ;;
esac
"""


@pytest.fixture
def server(tmp_path, monkeypatch, write):
    """Return a server with the app shop, whose release has a manage.py and the program tool."""
    unit = (
        "[Unit]\nDescription=x\n\n[Service]\nType=notify\nExecStart=/x\nUser=shop\n"
        f"WorkingDirectory={tmp_path}/src\nEnvironment=HOME=/x PATH={tmp_path}/srv/releases/%i/venv/bin:/usr/bin:/bin\n"
        f"EnvironmentFile={tmp_path}/srv/releases/%i/env\nRestart=always\n\n[Install]\nWantedBy=x\n"
    )
    record = {"version": "v1", "env": {"DJANGO_SETTINGS_MODULE": "x"}, "in_force": {"pythonpath": ["/srv/lib"]}}
    programs = {
        "bin/systemd-run": SYSTEMD_RUN.format(python=sys.executable, root=tmp_path),
        "bin/systemctl": SYSTEMCTL.format(root=tmp_path),
        "bin/journalctl": JOURNALCTL.format(id=ID),
        f"srv/releases/{ID}/venv/bin/tool": "#!/bin/sh\nprintf '%s\\n' tool \"$@\"\n",
        f"srv/releases/{ID}/venv/bin/python": f'#!/bin/sh\nexec {sys.executable} "$@"\n',
    }
    write(tmp_path, programs)
    for name in programs:
        (tmp_path / name).chmod(0o755)
    events = [{"event": "serves", "release": ID, "time": f"2026-11-26T0{hour}:00:00Z", "by": "ann"} for hour in (1, 2)]
    write(
        tmp_path,
        {
            "src/manage.py": "import os, sys\nprint(sys.argv, os.getcwd())\n",
            f"srv/releases/{ID}/release.json": json.dumps(record),
            "srv/history.jsonl": "".join(f"{json.dumps(event)}\n" for event in events),
            f"units/gunicorn-shop@{ID}.service": unit,
            "units/gunicorn-shop-clean.timer": "",
            "units/gunicorn-shop-relay@.service": "",
            "asked": "",
        },
    )
    (tmp_path / "srv/current").symlink_to(f"releases/{ID}")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    monkeypatch.setattr(host_command, "FOLDER", str(tmp_path / "local"))
    text = host_command.HostCommand("shop", str(tmp_path / "srv")).text
    # As on this server: its own folder of units, and run by root.
    root = f'os.geteuid = lambda: int(os.environ.get("EUID", "0"))\nUNITS = "{tmp_path}/units"\n'
    (tmp_path / "gunicorn-shop").write_text(text.replace("\nsys.exit(", f"\n{root}sys.exit("))
    return tmp_path


@pytest.fixture
def call(server):
    """Run the command with these arguments."""

    def call(*arguments: str, **options) -> subprocess.CompletedProcess:
        argv = [sys.executable, "-I", f"{server}/gunicorn-shop", *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=False, **options)

    return call


def test_a_command_of_manage_py_runs_in_the_folder_of_the_app_with_what_its_service_has(server, call):
    done = call("manage.py", "check", "$HOME", "a b")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{['manage.py', 'check', '$HOME', 'a b']} {server}/src\n"
    asked = (server / "asked").read_text().splitlines()
    assert asked[:4] == ["--quiet", "--wait", "--collect", "--pipe"]
    assert asked[4].startswith(f"--unit=gunicorn-shop-command-{ID}-")
    assert [line for line in asked if line.startswith("--property=")] == [
        "--property=User=shop",
        f"--property=WorkingDirectory={server}/src",
        f"--property=Environment=HOME=/x PATH={server}/srv/releases/{ID}/venv/bin:/usr/bin:/bin",
        f"--property=EnvironmentFile={server}/srv/releases/{ID}/env",
        '--property=Environment="PYTHONPATH=/srv/lib"',
    ]


def test_a_program_is_that_of_the_release_or_of_the_host(call):
    assert call("run", "tool", "--x").stdout == "tool\n--x\n"
    assert call("run", "cat", input="handed on").stdout == "handed on"
    assert call("run", "manage.py").stdout.startswith("['manage.py']")


@pytest.mark.parametrize(
    ("script", "status"), [("exit 7", 7), ("kill -INT $$", 130), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
)
def test_its_exit_status_is_that_of_the_command(call, script, status):
    assert call("run", "sh", "-c", script).returncode == status


def test_what_ends_it_ends_the_command(server):
    argv = [sys.executable, "-I", f"{server}/gunicorn-shop", "run", "sh", "-c", "echo; exec sleep 60"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143
    assert f"kill --signal=15 gunicorn-shop-command-{ID}-" in (server / "asked").read_text()


def test_what_ends_systemd_run_alone_ends_the_command(server):
    argv = [sys.executable, "-I", f"{server}/gunicorn-shop", "run", "sh", "-c", "echo; exec sleep 60"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        (systemd_run,) = instance.children(str(process.pid))
        os.kill(int(systemd_run), signal.SIGKILL)
        assert process.wait(10) == 137
    assert f"kill --signal=9 gunicorn-shop-command-{ID}-" in (server / "asked").read_text()


def test_a_terminal_is_passed_on(server):
    pid, terminal = pty.fork()
    if not pid:
        os.execv(sys.executable, [sys.executable, "-I", f"{server}/gunicorn-shop", "shell", "--plain"])
    said = b""
    while True:
        try:
            said += os.read(terminal, 1000)
        except OSError:
            break
    os.waitpid(pid, 0)
    assert b"['manage.py', 'shell', '--plain']" in said
    assert "--pty" in (server / "asked").read_text().splitlines()


def test_without_django_a_shell_is_pythons(server, call, write):
    write(server, {f"srv/releases/{ID}/release.json": '{"env": {}, "in_force": {}}'})
    assert call("shell", input="import os; print(os.getcwd())").stdout == f"{server}/src\n"


def test_logs_are_those_of_all_units_of_the_app_and_no_others(call):
    first, second, *matches = call("logs").stdout.splitlines()
    assert (first, second) == ("--output=with-unit", "--lines=100")
    assert [word for word in matches if word != "+"] == [
        f"{field}={unit}"
        for unit in (
            f"gunicorn-shop-clean.timer gunicorn-shop-worker@{ID}.service gunicorn-shop.service gunicorn-shop@{ID}.service "
            "gunicorn-shop@ffffffffffff.service"
        ).split()
        for field in ("_SYSTEMD_UNIT", "UNIT")
    ] + [
        r"_SYSTEMD_SLICE=system-gunicorn\x2dshop.slice",
        r"_SYSTEMD_SLICE=system-gunicorn\x2dshop\x2dworker.slice",
        "SYSLOG_IDENTIFIER=gunicorn-shop",
    ]
    assert call("logs", "-f", "-n5").stdout.splitlines()[:4] == ["--output=with-unit", "-f", "-n5", matches[0]]


def test_status_says_what_is_active_since_when_and_what_runs(server, call, write):
    web = {
        **{"Id": f"gunicorn-shop@{ID}.service", "ActiveState": "active", "SubState": "running", "Result": "success"},
        **{"ActiveEnterTimestamp": "Thu 2026-11-26 02:00:00 UTC", "InactiveEnterTimestamp": "", "ControlGroup": ""},
        "MemoryCurrent": "[not set]",
    }
    job = {
        **{"Id": "gunicorn-shop-clean.service", "ActiveState": "failed", "SubState": "failed", "Result": "exit-code"},
        **{"ActiveEnterTimestamp": "", "InactiveEnterTimestamp": "Thu 2026-11-26 03:00:00 UTC", "ControlGroup": ""},
    }
    starter = {**web, "Id": "gunicorn-shop-processes.service", "SubState": "exited"}
    timer = {**job, "Id": "gunicorn-shop-clean.timer", "ActiveState": "active", "SubState": "waiting"}
    timer["NextElapseUSecRealtime"] = "Fri 2026-11-27 00:00:00 UTC"
    blocks = ["".join(f"{key}={value}\n" for key, value in each.items()) for each in (timer, starter, job, web)]
    write(server, {"shown": "\n".join(blocks)})
    done = call("status")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"shop: release {ID} (v1) is active since 2026-11-26T02:00:00Z, by ann",
        f"  gunicorn-shop@{ID}.service  active (running)            since Thu 2026-11-26 02:00:00 UTC",
        "  gunicorn-shop-clean.service         failed (failed), exit-code  since Thu 2026-11-26 03:00:00 UTC",
        "  gunicorn-shop-clean.timer           active (waiting)            next Fri 2026-11-27 00:00:00 UTC",
    ]
    write(server, {"shown": blocks[2]})
    assert call("status").returncode == 3


def test_it_says_what_it_can_t_do(server, call, monkeypatch):
    for arguments, said in (
        (["flask", "db", "current"], "gunicorn-shop run flask db current\n"),
        (["run"], "gunicorn-shop run PROGRAM\n"),
        (
            ["run", "nosuch"],
            f"gunicorn-shop: release {ID} has no nosuch: looked in {server}/srv/releases/{ID}/venv/bin, /usr/",
        ),
        (["other.py"], f"gunicorn-shop: release {ID} has no other.py: looked in {server}/src\n"),
    ):
        done = call(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
    assert call().stdout == call("--help").stdout == command_line.USAGE.format(app="shop")
    (server / f"units/gunicorn-shop@{ID}.service").unlink()
    assert "is not whole: " in call("run", "tool").stderr
    (server / "srv/current").unlink()
    assert call("shell").stderr == "gunicorn-shop: no release of the app shop is active: run its playbook first\n"
    monkeypatch.setenv("EUID", "1000")
    assert call("manage.py", "a b").stderr == "gunicorn-shop: needs root: sudo gunicorn-shop manage.py 'a b'\n"
    assert call("--help").returncode == 0


def test_the_processes_of_a_control_group_are_counted(tmp_path, monkeypatch, write):
    # The second is where a host keeps them that has both kinds of groups.
    trees = (f"{tmp_path}/cgroup", f"{tmp_path}/cgroup/systemd")
    monkeypatch.setattr(command_line, "_GROUPS", trees)
    for tree, group, pids in ((trees[0], "/one", "7\n"), (trees[1], "/two", "8\n9\n")):
        write(f"{tree}{group}", {"cgroup.procs": pids})
    assert [command_line._processes(group) for group in ("/one", "/two", "/gone", "")] == [1, 2, 0, 0]
    row = {"Id": "x.service", "ActiveState": "active", "SubState": "running", "ActiveEnterTimestamp": "now"}
    told = {**row, "ControlGroup": "/two", "MemoryCurrent": f"{5 << 20}"}
    assert command_line._row(told)[2:] == ["since now", "2 processes", "5 MiB"]
    assert command_line._row({**told, "ControlGroup": "/one", "MemoryCurrent": f"{2**64 - 1}"})[3:] == ["1 process", ""]
