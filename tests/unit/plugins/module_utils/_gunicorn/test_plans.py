# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many workers, and which limit decided."""

from __future__ import annotations

import re

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans


@pytest.mark.parametrize(("vcpus", "workers"), [(1, 3), (2, 5), ("4", 9), (64, 129)])
def test_workers_are_those_of_the_guide(vcpus, workers):
    assert plans.workers(vcpus) == workers


@pytest.mark.parametrize(
    ("vcpus", "memory", "options", "workers", "limit", "memory_of_instance", "reason"),
    [
        pytest.param(2, 8000, {}, 5, "cpus", 532, "2 x 2 CPUs + 1", id="the guide's number"),
        pytest.param(4, 8000, {"cpu_quota": "150%"}, 4, "quota", 432, "for a CPU quota of 150%", id="quota"),
        pytest.param(4, 8000, {"cpu_quota": "20%"}, 1, "quota", 132, "0.2 CPUs", id="a small quota"),
        pytest.param(2, 8000, {"cpu_quota": "200%"}, 5, "cpus", 532, "2 x 2 CPUs", id="a quota that is no limit"),
        pytest.param(4, 8000, {"worker_class": "gevent"}, 4, "class", 432, "worker class gevent", id="class"),
        pytest.param(1, 8000, {"worker_class": "asgi"}, 2, "class", 232, "at least 2", id="class on one CPU"),
        pytest.param(
            4, 8000, {"worker_class": "uvicorn_worker.UvicornWorker"}, 4, "class", 432, "UvicornWorker", id="a class by path"
        ),
        pytest.param(4, 8000, {"worker_class": "gthread"}, 9, "cpus", 932, "2 x 4", id="a class that is no limit"),
        pytest.param(4, 8000, {"memory_max": "512M"}, 4, "memory", 432, "what 512 MiB hold", id="memory"),
        pytest.param(4, 1000, {}, 7, "memory", 732, "800 MiB hold with 100 MiB", id="four fifths of the host"),
        pytest.param(4, 1000, {"memory_per_worker": "250"}, 3, "memory", 782, "with 250 MiB", id="greedy workers"),
        pytest.param(4, 8000, {"memory_max": "1M"}, 1, "memory", 132, "what 1 MiB hold", id="no room, but one"),
        pytest.param(4, 1000, {"given": "20"}, 20, "given", 2032, "gunicorn_settings", id="the user's number"),
        pytest.param(
            8, 8000, {"cpu_quota": "400%", "worker_class": "asgi", "memory_max": "512M"}, 4, "memory", 432, "512 MiB",
            id="the lowest of all",
        ),
    ],
)  # fmt: skip
def test_the_lowest_limit_decides(vcpus, memory, options, workers, limit, memory_of_instance, reason):
    plan = plans.plan(vcpus, memory, **options)

    assert (plan["workers"], plan["limit"], plan["memory"]) == (workers, limit, memory_of_instance)
    assert reason in plan["reason"]
    assert f"{workers} workers ({plan['reason']})" in plan["summary"]


@pytest.mark.parametrize(("threads", "said"), [(1, "guide), about"), (2, "guide), 2 threads each, about")])
def test_threads_are_said_where_there_are_some(threads, said):
    plan = plans.plan(2, 8000, threads=threads)
    assert plan["threads"] == threads
    assert said.replace("guide", plan["reason"]) in plan["summary"]


@pytest.mark.parametrize(
    ("memory", "options", "warnings"),
    [
        pytest.param(8000, {}, [], id="enough"),
        pytest.param(1000, {}, ["at a switch .* may take 1064 MiB; .* 800 MiB"], id="not for two at a switch"),
        pytest.param(1000, {"overlap": False}, [], id="only one at a switch"),
        pytest.param(8000, {"memory_max": "256M", "given": 5}, ["532 MiB, but only 256 MiB"], id="above its limit"),
        pytest.param(500, {"given": 5}, ["532 MiB, but only 400 MiB", "may take 1064 MiB"], id="not for one"),
        pytest.param(8000, {"free": 532}, [], id="room for one more"),
        pytest.param(
            8000, {"free": 531}, ["532 MiB beside all that runs .* 531 MiB are free"], id="no room for one more"
        ),
        pytest.param(8000, {"free": 531, "overlap": False}, [], id="room once the other has ended"),
    ],
)
def test_warnings(memory, options, warnings):
    got = plans.plan(2, memory, **options)["warnings"]
    assert len(got) == len(warnings)
    assert all(re.search(expected, warning) for expected, warning in zip(warnings, got, strict=True))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "two instances run for a moment: about 1064 of 6400 MiB, and up to 10 database connections, where each"),
        ({"threads": 3}, "about 1064 of 6400 MiB, and up to 30 database connections"),
        ({"worker_class": "asgi"}, "about 464 of 6400 MiB, and 2 times the database connections that the app opens"),
        ({"overlap": False}, "ends before the other answers: about 532 of 6400 MiB, and up to 5 database connections"),
    ],
)
def test_what_a_switch_takes(options, said):
    assert said in plans.plan(2, 8000, **options)["switch"]


@pytest.mark.parametrize(
    ("function", "text", "number"),
    [
        (plans.mebibytes, "512M", 512),
        (plans.mebibytes, "2G", 2048),
        (plans.mebibytes, "1T", 1048576),
        (plans.mebibytes, "16777215T", 16777215 << 20),
        (plans.mebibytes, "2048K", 2),
        (plans.mebibytes, 536870912, 512),
        (plans.percent, "50%", 50),
        (plans.percent, "150%", 150),
    ],
)
def test_sizes_and_quotas_are_systemds(function, text, number):
    assert function(text) == number


@pytest.mark.parametrize(
    ("function", "value"),
    [
        *(
            (plans.mebibytes, value)
            for value in ("", "512m", "512MB", "0.5G", "-1M", "0M", "1023K", "512M\n", "max", "16777216T", None)
        ),
        *((plans.percent, value) for value in ("", "150", "0%", "1.5%", "-5%", "50%\n", 1.5, None)),
        *((plans.workers, value) for value in ("", "two", 0, -1, 1.5, True, None, "3\n")),
    ],
)
def test_a_value_that_makes_no_sense_is_shown(function, value):
    with pytest.raises(ValueError, match=re.escape(repr(value))):
        function(value)


@pytest.mark.parametrize("name", ["vcpus", "memory", "threads", "memory_per_worker", "workers"])
def test_a_plan_without_sense_names_what_is_wrong(name):
    values = {"vcpus": 2, "memory": 8000} | {"given" if name == "workers" else name: "many"}
    with pytest.raises(ValueError, match=f"^{name} is 'many', but must be a whole number of at least 1"):
        plans.plan(**values)


@pytest.mark.parametrize(
    ("found", "summary", "warnings"),
    [
        pytest.param(None, "planned: 2 workers (what 256 MiB hold", 0, id="nobody knows yet"),
        pytest.param({"workers": 2, "threads": 1}, "2 workers (what 256 MiB hold", 0, id="as planned"),
        pytest.param({"workers": 5, "threads": 1}, "5 workers (set in gunicorn_conf_file), about 532", 1, id="workers"),
        pytest.param(
            {"workers": 2, "threads": 4}, "2 workers (set in gunicorn_conf_file), 4 threads each", 0, id="threads"
        ),
    ],
)
def test_what_a_plan_came_to(found, summary, warnings):
    planned = plans.plan(2, 8000, memory_max="256M")
    got = plans.in_force(planned, found)
    assert set(got) == set(planned)
    assert got["summary"].startswith(summary)
    assert len(got["warnings"]) == warnings
    assert (got["workers"], got["threads"]) == ((found or planned)["workers"], (found or planned)["threads"])
