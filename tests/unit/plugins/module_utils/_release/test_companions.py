# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of what runs beside a web process. What systemd makes of them is tested on servers."""

from __future__ import annotations

import shutil

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release.companions import Companions
from ansible_collections.pyweb.stack.plugins.module_utils._release.unit_files import Service

ID = "4f6a7d8e9c0b"
SERVICE = Service(
    app="shop",
    user="shop",
    group="shops",
    folder="/srv/shop",
    workdir="/srv/shop/sources/8f9b",
    socket_user="nginx",
    stop_timeout=35,
    limits=(("MemoryMax", "512M"), ("CPUQuota", "150%")),
)


def _texts(processes=None, schedule=None) -> dict[str, str]:
    return Companions.of(processes or {}, schedule or {}).units(SERVICE, ID)


def _lines(text: str) -> list[str]:
    return text.splitlines()


def _worker(**more) -> list[str]:
    (text,) = _texts({"worker": {"command": ["celery", "-A", "shop", "worker"], **more}}).values()
    return _lines(text)


@pytest.mark.parametrize(
    "line",
    [
        "Description=The app shop, release %i, worker",
        "Type=exec",
        "ExecStart=/usr/bin/flock --no-fork --shared /srv/shop/locks/worker /srv/shop/releases/%i/venv/bin/celery -A shop worker",
        "TimeoutStopSec=30",
        "KillMode=mixed",
        "SyslogIdentifier=gunicorn-shop-worker",
        "Restart=always",
        "StartLimitIntervalSec=0",
        "MemoryMax=512M",
        "CPUQuota=150%",
    ],
)
def test_a_process_says(line):
    assert line in _worker()


def test_a_process_and_a_job_have_all_that_the_service_has():
    service = _lines(SERVICE.service_unit())
    units = _texts({"worker": {"command": ["rq"]}}, {"tidy": {"command": ["rq"], "at": "daily"}})
    shared = [f"{key}={value}" for key, value in SERVICE.properties("/srv/shop/releases/%i")]
    assert set(shared) <= {*service}
    for text in units.values():
        lines = _lines(text)
        assert [line for line in lines if line in shared] == shared
        # Whatever it says comes first, and the app's own goes over it.
        environment = [line for line in lines if line.startswith("EnvironmentFile=")]
        assert environment == [f"EnvironmentFile=/srv/shop/releases/%i/{name}" for name in ("companions.env", "env")]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"stop_timeout": 600}, "TimeoutStopSec=600"),
        ({"notify": True}, "Type=notify"),
        ({"notify": True}, "NotifyAccess=main"),
        ({"overlap": False}, "TimeoutStartSec=infinity"),
        ({"memory_max": "1G"}, "MemoryMax=1G"),
        ({"memory_max": "1G"}, "CPUQuota=150%"),
    ],
)
def test_a_part_of_a_process_is_in_its_unit(more, line):
    assert line in _worker(**more)
    assert line == "CPUQuota=150%" or line not in _worker()


def test_one_limit_of_memory_is_in_force():
    assert [line for line in _worker(memory_max="1G") if line.startswith("MemoryMax=")] == ["MemoryMax=1G"]


def test_what_may_not_overlap_has_the_lock_for_itself():
    (start,) = [line for line in _worker(overlap=False) if line.startswith("ExecStart=")]
    assert start.startswith("ExecStart=/usr/bin/flock --no-fork --exclusive /srv/shop/locks/worker /")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-c", "4"], "-c 4"),
        (["--queue=a,b", "user@%h"], '--queue=a,b "user@%%h"'),
        (["$HOME", "a b"], '"$$HOME" "a b"'),
        (['say "hi"', "back\\slash"], '"say \\"hi\\"" "back\\\\slash"'),
        (["a\nb\tc\x7f"], '"a\\x0ab\\x09c\\x7f"'),
        ([";", "", "ü"], '";" "" "ü"'),
    ],
)
def test_words_are_what_they_are(words, text):
    (unit,) = _texts({"worker": {"command": ["rq", *words]}}).values()
    (start,) = [line for line in _lines(unit) if line.startswith("ExecStart=")]
    assert start.endswith(f"/venv/bin/rq {text}")


def test_several_of_one_have_numbers():
    processes = {"worker": {"command": ["rq"], "count": 3}, "beat": {"command": ["rq"]}}
    assert Companions.of(processes, {}).process_units("shop", ID) == [
        f"gunicorn-shop-beat@{ID}.service",
        *(f"gunicorn-shop-worker-{number}@{ID}.service" for number in (1, 2, 3)),
    ]


def test_a_job_runs_once_at_a_time_by_what_serves_at_that_moment():
    companions = Companions.of(
        {}, {"tidy": {"command": ["manage.py", "tidy"], "at": "daily", "jitter": "15m", "timeout": 3600}}
    )
    (run,) = companions.units(SERVICE, ID).values()
    standing = companions.standing("shop", "/srv/shop")
    assert "Type=oneshot" in _lines(run)
    assert "TimeoutStartSec=3600" in _lines(run)
    timer, starter = _lines(standing["gunicorn-shop-tidy.timer"]), _lines(standing["gunicorn-shop-tidy.service"])
    for line in (
        "OnCalendar=daily",
        "RandomizedDelaySec=15m",
        "FixedRandomDelay=yes",
        "Persistent=yes",
        "PartOf=gunicorn-shop.service",
    ):
        assert line in timer
    assert "WantedBy=gunicorn-shop.service" in timer
    assert (
        "ExecStart=/bin/sh -c 'exec systemctl start "
        '"gunicorn-shop-tidy-job@$$(basename "$$(readlink /srv/shop/current)").service"\'' in starter
    )


def test_what_starts_others_does_so_after_the_databases_of_the_host():
    companions = Companions.of({"worker": {"command": ["rq"]}}, {"tidy": {"command": ["tidy"], "at": "daily"}})
    standing = companions.standing("shop", "/srv/shop")
    for unit in ("gunicorn-shop-processes.service", "gunicorn-shop-tidy.service"):
        (after,) = [line for line in _lines(standing[unit]) if line.startswith("After=")]
        assert {"cache-shop.service", "postgresql.service", "redis-server.service"} < set(after.split())


def test_without_companions_nothing_stands():
    assert Companions.of({}, {}).standing("shop", "/srv/shop") == {}
    assert list(Companions.of({"worker": {"command": ["rq"]}}, {}).standing("shop", "/srv/shop")) == [
        "gunicorn-shop-processes.service"
    ]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_has_nothing_against_them():
    parts = {"command": ["/bin/true", "a b", "%h", "$x", ";", 'q"', "a\nb"], "memory_max": "1G", "notify": True}
    companions = Companions.of(
        {"worker": parts}, {"tidy": {"command": ["/bin/true"], "at": "daily", "jitter": "1h 5min"}}
    )
    units = {**companions.units(SERVICE, ID), **companions.standing("shop", "/srv/shop")}
    # The account is not of this machine.
    systemd.verify(
        {
            name: text.replace("User=shop", "User=root").replace("Group=shops", "Group=root")
            for name, text in units.items()
        }
    )
