# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a Procfile, and the variables that say the same: each as it may be copied."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._release import procfile

BOTH = ("processes", "release")
WEB = "web: gunicorn shop.wsgi --log-file -\n"


@pytest.fixture
def lines(tmp_path, write):
    """Return what is told to add for a file, as variables with the values that YAML reads there."""

    def lines(text, wanted=BOTH, path="Procfile"):
        folder = write(tmp_path, {path: text})
        said = procfile.told([str(folder), str(folder / "backend")], wanted)
        found = {}
        for sentence in said:
            assert sentence.startswith("The source's Procfile has more than the web, ")
            found |= yaml.safe_load(sentence.partition(": add ")[2])
        return found

    return lines


@pytest.mark.parametrize(
    ("line", "name", "process"),
    [
        ("worker: celery -A shop worker", "worker", {"command": ["celery", "-A", "shop", "worker"]}),
        ("beat: celery -A shop beat", "beat", {"command": ["celery", "-A", "shop", "beat"], "overlap": False}),
        ("Worker-High: python manage.py rqworker high", "worker_high", {"command": ["manage.py", "rqworker", "high"]}),
        ("clock: python3 clock.py '2 min'", "clock", {"command": ["python3", "clock.py", "2 min"]}),
        ("w: celery worker --loglevel=info", "w", {"command": ["celery", "worker", "--loglevel=info"]}),
        ("b: Q=a celery beat", "b", {"command": ["/bin/sh", "-c", "Q=a celery beat"], "overlap": False}),
        ("worker: Q=a celery -c ${N:-2}", "worker", {"command": ["/bin/sh", "-c", "Q=a celery -c ${N:-2}"]}),
        ("worker: ./bin/worker\r", "worker", {"command": ["/bin/sh", "-c", "./bin/worker"]}),
        ("worker: say 'it", "worker", {"command": ["/bin/sh", "-c", "say 'it"]}),
        ("worker: cd backend && python manage.py work", "worker", {"command": ["manage.py", "work"]}),
    ],
)
def test_a_process_beside_the_web_is_told_as_it_may_be_copied(lines, line, name, process):
    found = lines(f"{WEB}{line}\n")
    assert found == {"gunicorn_processes": {name: process}}
    assert variable_rules.faults(found) == []


def test_all_of_them_are_told_in_one_line(lines):
    found = lines(f"{WEB}worker: celery worker\n# a comment: of theirs\nclock: python clock.py\n")
    assert [*found["gunicorn_processes"]] == ["worker", "clock"]


def test_what_runs_before_a_release_is_a_step(lines):
    found = lines(f"release: flask db upgrade\n{WEB}")
    assert found == {"gunicorn_before_switch": [{"command": ["flask", "db", "upgrade"], "once": True}]}
    assert variable_rules.faults(found) == []
    assert lines(f"release: flask db upgrade\n{WEB}", ["processes"]) == {}


def test_one_of_development_or_of_the_web_alone_says_nothing(lines):
    assert lines(WEB) == {}
    assert lines("web: python manage.py runserver\ncss: npx tailwindcss -i a.css\n") == {}
    assert lines(f"{WEB}css: npm run dev\nworker: celery worker\n") == {}


def test_the_folder_that_the_app_runs_in_may_have_it(lines):
    assert [*lines("worker: celery worker\n", path="backend/Procfile")] == ["gunicorn_processes"]


def test_without_one_nothing_is_told(tmp_path):
    assert procfile.told([str(tmp_path)], BOTH) == []
