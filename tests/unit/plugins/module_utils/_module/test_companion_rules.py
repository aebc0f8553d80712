# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What passes of processes and schedules; what is refused is in molecule/faults/cases/processes.yml."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._release.companions import Companions
from ansible_collections.pyweb.stack.plugins.module_utils._release.unit_files import Service
from hypothesis import strategies


@pytest.mark.parametrize(
    "process",
    [
        {"command": ["celery", "-A", "shop", "worker", "-c", "4"]},
        {"command": ["celery", "-A", "shop", "beat"], "overlap": False},
        {"command": ["celery", "-A", "shop", "worker", "-B"], "overlap": False, "stop_timeout": 600},
        {"command": ["manage.py", "rqworker", "-D"], "count": 2, "settle": 0},
        {"command": ["/usr/bin/node", "x.js"], "memory_max": "512M", "notify": True, "count": None},
        {"command": ["python", "-m", "multi"]},
    ],
)
def test_a_process_passes(process):
    assert variable_rules.faults({"gunicorn_processes": {"worker": process}}) == []


@pytest.mark.parametrize(
    "job",
    [
        {"command": ["manage.py", "clearsessions"], "at": "daily"},
        {"command": ["tidy"], "at": "Mon..Fri *-*-1..7 22:30:00 Europe/Berlin", "jitter": "1h 30m", "timeout": 90},
        {"command": ["tidy"], "at": "*-02~03/2 04:00"},
    ],
)
def test_a_job_passes(job):
    assert variable_rules.faults({"gunicorn_schedule": {"nightly_report": job}}) == []


TEXT = strategies.text(max_size=12)


def test_no_command_becomes_syntax_of_a_unit(whatever_passes):
    """Each word stays one line's, whatever is in it."""
    service = Service("shop", "shop", "shop", "/srv/shop", "/", "nginx", 35)
    command = strategies.lists(TEXT, max_size=3).map(lambda words: ["rq", *words])
    lines = len(next(iter(Companions.of({"a": {"command": ["rq"]}}, {}).units(service, "ID").values())).splitlines())

    def holds(processes):
        (text,) = Companions.of(processes, {}).units(service, "ID").values()
        assert text.count("\n") == lines

    whatever_passes(
        "gunicorn_processes",
        strategies.fixed_dictionaries({"a": strategies.fixed_dictionaries({"command": command})}),
        holds,
    )


def test_no_time_becomes_syntax_of_a_unit(whatever_passes):
    # By chance alone hardly anything is a time.
    time = strategies.tuples(strategies.sampled_from(["daily", "03:00", "Mon 04:00"]), strategies.just("") | TEXT)
    job = strategies.fixed_dictionaries(
        {"command": strategies.just(["rq"]), "at": TEXT | time.map("".join), "jitter": TEXT | strategies.just("5m")}
    )

    def holds(schedule):
        timer = Companions.of({}, schedule).standing("shop", "/srv/shop")["gunicorn-shop-a.timer"]
        assert not set(timer.split("OnCalendar=")[1].split("AccuracySec")[0][:-1]) & set("\n\\%;#\"'")
        assert len(timer.splitlines()) == 15

    whatever_passes("gunicorn_schedule", strategies.fixed_dictionaries({"a": job}), holds)
