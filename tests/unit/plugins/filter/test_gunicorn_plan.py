# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter gunicorn_plan as playbooks call it; the plans themselves are tested where they are made."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.pyweb.stack.plugins.filter.gunicorn_plan import FilterModule

FACTS = {"processor_vcpus": 4, "memtotal_mb": 8000, "os_family": "Debian"}
gunicorn_plan = FilterModule().filters()["gunicorn_plan"]


@pytest.mark.parametrize(
    ("options", "workers", "limit"),
    [
        ({}, 9, "cpus"),
        ({"settings": None, "memory_max": None, "cpu_quota": None}, 9, "cpus"),
        ({"settings": {"workers": "3"}}, 3, "given"),
        ({"settings": {"worker_class": "gevent"}}, 4, "class"),
        ({"memory_max": "512M"}, 4, "memory"),
        ({"memory_max": "512M", "memory_per_worker": 200}, 2, "memory"),
        ({"cpu_quota": "100%"}, 3, "quota"),
    ],
)
def test_the_plan_of_a_host(options, workers, limit):
    plan = gunicorn_plan(FACTS, **options)
    assert (plan["workers"], plan["limit"]) == (workers, limit)
    assert set(plan) == {
        *("summary", "switch", "workers", "threads", "memory", "connections", "limit", "reason", "host", "warnings"),
    }


@pytest.mark.parametrize(
    ("settings", "threads", "memory"), [({}, 1, 932), ({"threads": 4, "worker_class": "gthread", "workers": 2}, 4, 232)]
)
def test_what_an_instance_takes(settings, threads, memory):
    plan = gunicorn_plan(FACTS, settings)
    assert (plan["threads"], plan["memory"]) == (threads, memory)


@pytest.mark.parametrize(
    ("facts", "options", "said"),
    [
        ({}, {}, "the facts lack processor_vcpus and memtotal_mb: gather the subset hardware"),
        ({"processor_vcpus": 4}, {}, "the facts lack memtotal_mb"),
        (FACTS, {"memory_max": "lots"}, "'lots' is no size of memory"),
        (FACTS, {"cpu_quota": "half"}, "'half' is no CPU quota"),
        (FACTS, {"memory_per_worker": 0}, "memory_per_worker is 0"),
    ],
)
def test_what_can_not_be_planned(facts, options, said):
    with pytest.raises(AnsibleFilterError, match=f"^gunicorn_plan: {said}"):
        gunicorn_plan(facts, **options)


def test_what_is_free_is_known_of_most_hosts():
    free = {"memory_mb": {"nocache": {"free": 500}}}
    assert gunicorn_plan(FACTS | free)["host"]["free"] == 500
    assert gunicorn_plan(FACTS)["host"]["free"] is None


def test_a_setting_that_is_wrong_is_left_to_who_checks_the_settings():
    wrong = gunicorn_plan(FACTS, settings={"workers": 0, "threads": "many"})
    assert wrong == gunicorn_plan(FACTS)
