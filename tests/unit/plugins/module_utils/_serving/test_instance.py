# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of an instance that need no systemd: what a health check takes for an answer, who lives, who waits."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._serving import instance
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Health

HEALTH = Health("/healthz", "www.example.com", range(200, 400), 5)


def _asked(path) -> instance._Asker:
    asker = instance._Asker(str(path), HEALTH)
    asker.join(10)
    return asker


@pytest.mark.parametrize(
    ("statuses", "answer"),
    [
        pytest.param([200], "200 OK", id="healthy"),
        pytest.param([302], "302 Found", id="in the range"),
        pytest.param([503, 200], "200 OK", id="one bad answer is forgiven"),
    ],
)
def test_an_answer_that_counts(tmp_path, app, statuses, answer):
    requests = app(tmp_path / "app.sock", *statuses)
    asker = _asked(tmp_path / "app.sock")
    assert (asker.answer, asker.refusal) == (answer, None)
    assert {(request.path, request.headers["Host"]) for request in requests} == {("/healthz", "www.example.com")}


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ([500], ["GET /healthz for www.example.com: 500 Internal Server Error", "200 to 399 was expected"]),
        ([503, 404], ["404 Not Found", "200 to 399 was expected"]),
        ([400], ["400 Bad Request", "ALLOWED_HOSTS", "gunicorn_health.host"]),
    ],
)
def test_a_refusal_says_what_was_asked_and_what_came_back(tmp_path, app, statuses, said):
    app(tmp_path / "app.sock", *statuses)
    asker = _asked(tmp_path / "app.sock")
    assert asker.answer is None
    assert all(part in asker.refusal for part in said)


def test_it_is_asked_again_until_somebody_answers(tmp_path, app):
    asker = instance._Asker(str(tmp_path / "app.sock"), HEALTH)
    for _turn in range(1000):
        if asker.error:
            break
        asker.join(0.01)
    assert "No such file" in asker.error
    app(tmp_path / "app.sock", 200)
    asker.join(10)
    assert asker.answer == "200 OK"


def test_the_children_of_a_process_are_its_workers():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert str(child.pid) in instance.children(str(os.getpid()))
        assert instance.children(str(child.pid)) == set()
    assert str(child.pid) not in instance.children(str(os.getpid()))
    assert instance.children(str(child.pid)) == instance.children("0") == set()


@contextlib.contextmanager
def _asking_for(lock, how: str):
    """Start a process that asks for the lock as a release does, and then sleeps."""
    with subprocess.Popen(["flock", "--no-fork", how, lock, "sleep", "600"]) as process:
        try:
            yield str(process.pid)
        finally:
            process.kill()


def _soon(true) -> bool:
    return any(true() for _turn in range(100_000))


def test_a_process_is_in_line_when_it_has_the_lock_or_waits_for_it(tmp_path):
    with _asking_for(tmp_path, "--exclusive") as first:
        assert _soon(lambda: instance._locks(first))
        with _asking_for(tmp_path, "--exclusive") as second, _asking_for(tmp_path, "--shared") as third:
            assert _soon(lambda: instance._locks(second) and instance._locks(third))
    assert not instance._locks(first)
    assert not instance._locks(str(os.getpid()))
    assert not instance._locks("0")
