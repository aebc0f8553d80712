# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of an app's units. What systemd makes of them is tested on servers."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files, unit_overrides
from hypothesis import strategies


def _shop(**more) -> unit_files.Service:
    return unit_files.Service(
        app="shop",
        user="shop",
        group="shops",
        folder="/srv/shop",
        workdir="/srv/shop/sources/8f9b/my app",
        socket_user="nginx",
        stop_timeout=35,
        limits=[("MemoryMax", "512M"), ("CPUQuota", "150%")],
        **more,
    )


SERVICE = _shop()
UNITS = {
    "service": SERVICE.service_unit(),
    "socket": SERVICE.socket_unit(),
    "starter": unit_files.starter_unit("shop", "/srv/shop", "gunicorn-shop-tcp.socket"),
    "tcp": unit_files.tcp_socket_unit("shop", "127.0.0.1:9999"),
    "proxy": unit_files.proxy_unit("shop", "/srv/shop", "nginx", "gunicorn-shop-tcp.socket"),
    "relay": unit_files.proxy_unit("shop", "/srv/shop", "nginx", "gunicorn-shop@%i.socket"),
}


def _lines(text: str) -> list[tuple[str, str, str]]:
    """Return section, key and value of each line of a unit."""
    lines, section = [], ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif line and not line.startswith("#"):
            lines.append((section, *line.split("=", 1)))
    return lines


@pytest.mark.parametrize(
    ("unit", "section", "line"),
    [
        # Who it runs as, where, and with what.
        ("service", "Service", "User=shop"),
        ("service", "Service", "Group=shops"),
        ("service", "Service", "WorkingDirectory=/srv/shop/sources/8f9b/my app"),
        ("service", "Service", "EnvironmentFile=/srv/shop/releases/%i/env"),
        ("service", "Service", "StateDirectory=gunicorn-shop"),
        ("service", "Service", "StateDirectoryMode=0750"),
        ("service", "Service", "MemoryMax=512M"),
        ("service", "Service", "CPUQuota=150%"),
        ("service", "Service", "NoNewPrivileges=yes"),
        ("service", "Service", "CapabilityBoundingSet="),
        ("service", "Service", "ProtectSystem=strict"),
        ("service", "Service", "ReadOnlyPaths=/run"),
        ("service", "Service", "UMask=0027"),
        # gunicorn reports itself ready, ends what it has in hand when it must stop, and comes back whatever ended it.
        ("service", "Service", "Type=notify"),
        ("service", "Service", "KillMode=mixed"),
        ("service", "Service", "TimeoutStopSec=35"),
        ("service", "Service", "Restart=always"),
        ("service", "Service", "OOMPolicy=continue"),
        ("service", "Unit", "StartLimitIntervalSec=0"),
        # It never listens by itself, and only nginx may connect.
        ("service", "Unit", "Requires=gunicorn-shop@%i.socket"),
        ("socket", "Socket", "ListenStream=/run/gunicorn-shop/%i.sock"),
        ("socket", "Socket", "SocketUser=nginx"),
        ("socket", "Socket", "SocketMode=0600"),
        ("socket", "Socket", "RemoveOnStop=yes"),
        # At boot nginx waits for the socket.
        ("starter", "Service", "Type=oneshot"),
        ("starter", "Service", "RemainAfterExit=yes"),
        ("starter", "Unit", "Before=nginx.service"),
        ("starter", "Unit", "ConditionPathIsSymbolicLink=/srv/shop/current"),
        ("starter", "Install", "WantedBy=multi-user.target"),
        # However often people restart it.
        ("starter", "Unit", "StartLimitIntervalSec=0"),
        ("socket", "Unit", "StartLimitIntervalSec=0"),
        ("tcp", "Unit", "StartLimitIntervalSec=0"),
        # The fixed address comes and goes with the app, and its connections go to whatever serves.
        ("starter", "Unit", "Wants=gunicorn-shop-tcp.socket"),
        # On a volume that comes late it is waited for.
        ("starter", "Unit", "RequiresMountsFor=/srv/shop"),
        ("tcp", "Socket", "ListenStream=127.0.0.1:9999"),
        ("proxy", "Unit", "Requires=gunicorn-shop-tcp.socket"),
        ("proxy", "Unit", "After=gunicorn-shop-tcp.socket gunicorn-shop.service"),
        ("proxy", "Service", "Sockets=gunicorn-shop-tcp.socket"),
        ("proxy", "Service", "User=nginx"),
        ("proxy", "Service", "ProtectSystem=strict"),
        ("proxy", "Service", "RestrictAddressFamilies=AF_UNIX"),
        ("relay", "Service", "Sockets=gunicorn-shop@%i.socket"),
    ],
)
def test_a_unit_says(unit, section, line):
    assert (section, *line.split("=", 1)) in _lines(UNITS[unit])


@pytest.mark.parametrize("unit", ["proxy", "relay"])
def test_what_a_proxy_passes_on_can_be_counted(unit):
    """Connections out of a network of its own are in no table of the host's."""
    assert "PrivateNetwork" not in {key for _section, key, _value in _lines(UNITS[unit])}
    (command,) = [value for _section, key, value in _lines(UNITS[unit]) if key == "ExecStart"]
    assert command.endswith(" /srv/shop/current/app.sock")


def test_a_starter_without_a_fixed_address_wants_none():
    assert "Wants" not in unit_files.starter_unit("shop", "/srv/shop", "")


def _turn(overlap: bool) -> tuple[str, str]:
    """Return how a release asks for its turn, and how long it waits for it."""
    service = unit_files.Service("shop", "shop", "shop", "/srv/shop", "/srv/shop", "nginx", 35, overlap)
    said = {key: value for _section, key, value in _lines(service.service_unit())}
    return said["ExecStart"].partition(" /srv/")[0], said.get("TimeoutStartSec", "")


def test_a_release_that_may_not_overlap_waits_for_its_turn_as_long_as_it_takes():
    flock = "/usr/bin/flock --no-fork"
    assert _turn(overlap=True) == (f"{flock} --shared /var/lib/gunicorn-shop", "")
    assert _turn(overlap=False) == (f"{flock} --exclusive /var/lib/gunicorn-shop", "infinity")


def test_the_app_finds_its_programs_and_its_state():
    (environment,) = [value for _section, key, value in _lines(UNITS["service"]) if key == "Environment"]
    assert dict(pair.split("=") for pair in environment.split()) == {
        "HOME": "/var/lib/gunicorn-shop",
        "PATH": "/srv/shop/releases/%i/venv/bin:/usr/local/bin:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this system has no systemd")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("", "", None, id="as it is"),
        pytest.param("ProtectHome=", "ProtectHomes=", "'ProtectHomes'", id="a key that systemd doesn't know"),
        pytest.param("RestartSec=1", "RestartSec=soon", "service:[0-9]+: .*soon", id="a value that it can't read"),
    ],
)
def test_systemd_reads_the_units(old, new, said):
    # The interpreter of a release that isn't there.
    service = UNITS["service"].replace("/srv/shop/releases/%i/venv/bin/python", "/bin/true").replace(old, new)
    with contextlib.nullcontext() if said is None else pytest.raises(systemd.SystemdError, match=said):
        systemd.verify({"gunicorn-shop@4f6a.service": service, "gunicorn-shop@4f6a.socket": UNITS["socket"]})


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this system has no systemd")
def test_systemd_reads_the_fixed_address_and_its_proxy():
    # The program need not be on this system.
    proxy = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", UNITS["proxy"])
    systemd.verify({"gunicorn-shop-tcp.service": proxy, "gunicorn-shop-tcp.socket": UNITS["tcp"]})


def test_gunicorn_is_that_of_the_release():
    (command,) = [value for _section, key, value in _lines(UNITS["service"]) if key == "ExecStart"]
    release = "/srv/shop/releases/%i"
    assert command.split()[-5:] == [
        *(f"{release}/venv/bin/python", "-m", "gunicorn", "--config", f"{release}/gunicorn.conf.py")
    ]


@pytest.mark.parametrize("unit", UNITS)
def test_nothing_is_said_twice_and_only_the_release_is_filled_in(unit):
    lines = _lines(UNITS[unit])
    once = [(section, key) for section, key, _value in lines if key not in ("SystemCallFilter", "ExecStart")]
    assert len(once) == len(set(once))
    assert {specifier for _section, _key, value in lines for specifier in re.findall(r"%\w", value)} <= {"%i"}


def test_nothing_reloads_in_place():
    assert not any(key in ("ExecReload", "WatchdogSec") for _section, key, _value in _lines(UNITS["service"]))


def test_commands_run_with_all_that_the_service_runs_with():
    got = command_line.properties(UNITS["service"], "4f6a")

    assert got == SERVICE.properties("/srv/shop/releases/4f6a")
    assert {("User", "shop"), ("ProtectSystem", "strict"), ("MemoryMax", "512M")} < set(got)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        pytest.param(
            "ExecStart",
            ["start gunicorn-shop@4f6a.socket", "start --no-block gunicorn-shop@4f6a.service"],
            id="the socket first",
        ),
        pytest.param(
            "ExecStop",
            ["stop gunicorn-shop@4f6a.service gunicorn-shop@4f6a.socket gunicorn-shop-tcp.socket"],
            id="all at once",
        ),
        pytest.param("restart", ["stop gunicorn-shop@4f6a.service"], id="the sockets hold who comes at a restart"),
        pytest.param("shutdown", [""], id="as the host goes down each has a stop of its own"),
    ],
)
def test_people_start_stop_and_restart_what_current_names(tmp_path, key, said):
    """The shell is real; of systemd only the name of its command is needed."""
    (tmp_path / "current").symlink_to("releases/4f6a")
    job = f"42 gunicorn-shop.service {'restart' if key == 'restart' else 'stop'} running"
    state = "stopping" if key == "shutdown" else "running"
    script = f'case $1 in list-jobs) echo "{job}" ;; is-system-running) echo {state} ;; *) echo "$@" ;; esac'
    (tmp_path / "systemctl").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "systemctl").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    commands = [
        value
        for _section, its_key, value in _lines(
            unit_files.starter_unit("shop", str(tmp_path), "gunicorn-shop-tcp.socket")
        )
        if its_key == {"restart": "ExecStop", "shutdown": "ExecStop"}.get(key, key)
    ]
    # systemd takes $$ for a dollar.
    argvs = [shlex.split(command.replace("$$", "$")) for command in commands]
    outputs = [
        subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout for argv in argvs
    ]

    assert outputs == [f"{line}\n" if line else "" for line in said]


def test_an_override_takes_the_place_of_all_lines_of_its_property():
    overrides = [("MemoryDenyWriteExecute", "no"), ("SystemCallFilter", "@system-service"), ("TasksMax", "100")]
    before = SERVICE.properties("/r")
    after = _shop(overrides=overrides).properties("/r")
    replaced = {name for name, _value in overrides}
    assert [line for line in after if line[0] in replaced] == overrides
    assert [line for line in after if line[0] not in replaced] == [line for line in before if line[0] not in replaced]


@pytest.mark.parametrize(
    ("seconds", "overlap", "line"),
    [(90, True, None), (180, True, "TimeoutStartSec=180"), (7.5, True, None), (90, False, "TimeoutStartSec=infinity")],
)
def test_a_start_may_take_as_long_as_the_app_needs(seconds, overlap, line):
    text = _shop(start_timeout=seconds, overlap=overlap).service_unit()
    assert [each for each in text.splitlines() if each.startswith("TimeoutStartSec")] == ([line] if line else [])


def test_folders_to_write_are_one_line():
    assert ("ReadWritePaths", "/data/a /data/b") in _shop(writable=["/data/a", "/data/b"]).properties("/r")
    assert not any(name == "ReadWritePaths" for name, _value in SERVICE.properties("/r"))


@pytest.mark.parametrize(
    ("more", "executable", "not_executable"),
    [
        pytest.param({}, "/srv/shop/sources /srv/shop/venvs /usr -/opt", "", id="no folder more"),
        pytest.param(
            {"writable": ("/opt/shop",)},
            "/srv/shop/sources /srv/shop/venvs /usr -/opt",
            " /opt/shop",
            id="a folder in one",
        ),
        pytest.param(
            {"shared": (("/state/data", "/srv/shop/sources/8f9b/data"),)},
            "/srv/shop/sources /srv/shop/venvs /usr -/opt",
            " /srv/shop/sources/8f9b/data",
            id="a folder that is shared",
        ),
        pytest.param({"writable": ("/opt",)}, "/srv/shop/sources /srv/shop/venvs /usr", " /opt", id="one of them"),
        pytest.param(
            {"python": "/opt/python"},
            "/srv/shop/sources /srv/shop/venvs /usr -/opt /opt/python",
            "",
            id="an interpreter",
        ),
    ],
)
def test_what_may_be_executed_can_not_be_written(more, executable, not_executable):
    said = dict(_shop(**more).properties("/r"))
    assert said["ExecPaths"] == said["BindReadOnlyPaths"] == executable
    assert said["NoExecPaths"] == f"/ /var/lib/gunicorn-shop /tmp /var/tmp /dev/shm{not_executable}"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (("ExecPaths", "/data/plugins /var/lib/gunicorn-shop"), ["/ /tmp /var/tmp /dev/shm"]),
        (("NoExecPaths", "/data"), ["/data"]),
    ],
)
def test_a_user_says_otherwise(override, said):
    properties = _shop(overrides=(override,)).properties("/r")
    assert override in properties
    assert [value for name, value in properties if name == "NoExecPaths"] == said


# Words, quotes, specifiers, comments and all that ends a line, for systemd or for Python.
_BAD = strategies.text("a1.-/~%i$;#=[]\"'\\ \n\r\t\0\x0b\x85\u2028\u0661\u00a0", max_size=6)


def _near(*good: str):
    """Return good values, and those that begin well."""
    begun = strategies.sampled_from(good)
    return begun | strategies.tuples(begun, _BAD).map("".join)


_PROPERTIES = strategies.sampled_from(["ProtectHome", "TasksMax", "SystemCallFilter"]) | _near("Nice")
_VALUES = {
    "gunicorn_name": _near("shop", "my_shop"),
    "gunicorn_root": _near("/srv", "/opt/apps"),
    "gunicorn_user": _near("shop", "www-data"),
    "gunicorn_chdir": _near("src", "my app/src"),
    "gunicorn_memory_max": _near("512M", "1G"),
    "gunicorn_cpu_quota": _near("50%", "150%", "200%"),
    "gunicorn_bind": _near("127.0.0.1:9999", "[::1]:1"),
    "gunicorn_writable_paths": strategies.lists(_near("/data", "/srv/files"), max_size=3),
    "gunicorn_unit": strategies.dictionaries(
        _PROPERTIES, _near("x", "10%") | strategies.lists(_near("x"), max_size=2) | strategies.booleans(), max_size=3
    ),
}


def _units(values: dict) -> dict[str, str]:
    """Return the texts of all units of an app with such values of the roles' variables, put together as the modules do."""
    app, user = values.get("gunicorn_name", "shop"), values.get("gunicorn_user", "shop")
    folder = f"{values.get('gunicorn_root', '/srv')}/{app}"
    limits = {"MemoryMax": values.get("gunicorn_memory_max"), "CPUQuota": values.get("gunicorn_cpu_quota")}
    service = unit_files.Service(
        app=app,
        user=user,
        group=user,
        folder=folder,
        workdir=os.path.normpath(f"{folder}/sources/8f9b/{values.get('gunicorn_chdir', '.')}"),
        socket_user="nginx",
        stop_timeout=35,
        limits=[(name, value) for name, value in limits.items() if value],
        writable=values.get("gunicorn_writable_paths", ()),
        overrides=unit_overrides.lines(values.get("gunicorn_unit", {})),
    )
    return {
        "service": service.service_unit(),
        "socket": service.socket_unit(),
        "starter": unit_files.starter_unit(app, folder, f"gunicorn-{app}-tcp.socket"),
        "tcp": unit_files.tcp_socket_unit(app, values.get("gunicorn_bind", "127.0.0.1:9999")),
        "proxy": unit_files.proxy_unit(app, folder, user, f"gunicorn-{app}-tcp.socket"),
    }


def _shape(text: str) -> list[tuple]:
    """Return of each line its section, its key, and how its value looks to systemd: its words, and what would be put in."""
    lines = []
    for section, key, value in _lines(text):
        assert value == value.strip(), "systemd would strip it"
        # A path that may have spaces, alone in its line.
        words = 1 if key == "WorkingDirectory" else len(value.split())
        lines.append((section, key, words, re.findall(r"[\"'\\]|%[^%\d]|\$+", value)))
    return lines


def _plain(name: str, value):
    """Return a harmless value as large as this one."""
    if isinstance(value, dict):
        return {key: ["x"] * len(each) if isinstance(each, list) else "x" for key, each in value.items()}
    if isinstance(value, list):
        return [f"/plain{number}" for number in range(len(value))]
    return {"gunicorn_root": "/plain", "gunicorn_bind": "127.0.0.1:1"}.get(name, "plain")


@pytest.mark.parametrize("name", _VALUES)
def test_no_value_that_passes_the_checks_bends_a_unit(name, whatever_passes):
    def looks_like_a_plain_one(value):
        units, plain = _units({name: value}), _units({name: _plain(name, value)})
        if name == "gunicorn_unit":
            # What they say is the user's own; where it stands, and that it stays in its line, is not.
            said = [line for line in _lines(units["service"]) if line[1] in value]
            assert [(key, text) for _section, key, text in said] == unit_overrides.lines(value)
            units, plain = ({key: _without(text, value) for key, text in each.items()} for each in (units, plain))
        assert {key: _shape(text) for key, text in units.items()} == {key: _shape(text) for key, text in plain.items()}

    whatever_passes(name, _VALUES[name], looks_like_a_plain_one)


def _without(text: str, keys) -> str:
    return "\n".join(line for line in text.splitlines() if line.partition("=")[0] not in keys)


@pytest.mark.parametrize("address", ["127.0.0.1:9999", "[::1]:9999"])
def test_the_address_of_an_app(tmp_path, monkeypatch, address):
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path))
    assert unit_files.fixed_address("shop") is None
    (tmp_path / "gunicorn-shop-tcp.socket").write_text(
        f"[Unit]\nBefore=nginx.service\n[Socket]\nListenStream={address}\n"
    )
    assert unit_files.fixed_address("shop") == address
    assert unit_files.fixed_address("blog") is None
