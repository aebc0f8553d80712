# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's tasks around the switch, by Ansible and the role's own files; of the collection only the module is played."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

ROLE = pathlib.Path(__file__).parents[3] / "roles/gunicorn"
OLD, NEW = "0b1a2f3e4d5c", "4f6a7d8e9c0b"
# In the place of the module: notes that it was called, and answers that the new release serves now.
STEPS = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({name: {"type": "raw"} for name in ("name", "root", "steps", "built")}, supports_check_mode=True)
open("LOG", "a").write("switch ")
switch = {"previous": module.params["built"]["replaces"], "release": "NEW", "version": "v2", "answer": "200 OK", "ending": ["worker"]}
module.exit_json(changed=True, seconds=1.5, switch=switch, migrate={"migrations": ["shop.0002"]})
"""
PLAY = """
- hosts: localhost
  gather_facts: false
  vars_files: [ROLE/defaults/main.yml, ROLE/vars/main.yml]
  vars:
    gunicorn_name: shop
    gunicorn_tasks_before_switch: tasks/before.yml
    gunicorn_tasks_after_switch: "{{ playbook_dir }}/tasks/after.yml"
    __gunicorn_built: {release: {id: NEW, alike: NEW, serves: SERVES}, source: {version: v2, serving: SERVING}, BUILT}
  tasks:
    - ansible.builtin.import_tasks: ROLE/tasks/read.yml
      tags: [switch]
      vars: {__gunicorn_read: "{{ [__gunicorn_tasks_before_switch, __gunicorn_tasks_after_switch] }}"}
    - ACTIVATE
"""
# The last task of the role, as from a playbook.
ACTIVATE = json.dumps(yaml.safe_load((ROLE / "tasks/main.yml").read_text())[-1]).replace(
    "activate.yml", "ROLE/tasks/activate.yml"
)
NOTE = """
- name: Ask a host that is away
  ansible.builtin.ping:
  delegate_to: 127.0.0.1
  vars: {ansible_connection: ssh, ansible_port: 1}
  when: away | default('') == 'WHEN'
- name: Note WHEN
  ansible.builtin.shell:
    cmd: "echo WHEN >> LOG; echo '{{ gunicorn_result | to_json }}' > LOG.WHEN"
- name: Go wrong
  ansible.builtin.fail: {msg: no more}
  when: wrong | default('') == 'WHEN'
"""


@pytest.fixture
def play(tmp_path, write):
    """Play the role's first part and its last where the release serves or not; return what Ansible said, and what was done.

    `built` is what else the build came to; `texts` are those of the user's files, by when they are played.
    """
    log = tmp_path / "log"
    notes = {f"tasks/{when}.yml": NOTE.replace("WHEN", when) for when in ("before", "after")}
    module = "collections/ansible_collections/pyweb/stack/plugins/modules/steps.py"

    def play(
        *options: str, serves: bool = False, built: str = "changed: false", **texts: str
    ) -> tuple[subprocess.CompletedProcess, str]:
        values = {
            "ACTIVATE": ACTIVATE,
            "LOG": log,
            "ROLE": ROLE,
            "NEW": NEW,
            "SERVES": str(serves).lower(),
            "SERVING": NEW if serves else OLD,
            "BUILT": built,
        }
        given = {f"tasks/{when}.yml": text for when, text in texts.items()}
        for name, text in {**notes, **given, module: STEPS, "play.yml": PLAY, "ansible.cfg": ""}.items():
            for word, value in values.items():
                text = re.sub(rf"\b{word}\b", str(value), text)
            write(tmp_path, {name: text})
        log.write_text("")
        paths = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"), "ANSIBLE_HOME": str(tmp_path / "home")}
        ansible = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
        argv = [ansible, "-i", "localhost,", "-c", "local", str(tmp_path / "play.yml"), *options]
        env = {
            **os.environ,
            **paths,
            "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        }
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
        return done, " ".join(log.read_text().split())

    return play


def test_they_are_told_what_happens(play, tmp_path):
    done, log = play("--tags", "switch")
    assert (done.returncode, log) == (0, "before switch after"), done.stdout
    before, after = (json.loads((tmp_path / f"log.{when}").read_text()) for when in ("before", "after"))
    told = {"app": "shop", "from": OLD, "to": NEW, "version": "v2", "by": before["by"]}
    assert before == told
    assert after == {**told, "changed": True, "seconds": 1.5, "migrations": ["shop.0002"]}


@pytest.mark.slow
def test_one_that_fails_before_the_switch_refuses_the_release(play):
    done, log = play("-e", "wrong=before")
    assert (done.returncode, log) == (2, "before")


def test_one_that_fails_after_it_is_a_warning(play):
    done, log = play("-e", "wrong=after")
    assert (done.returncode, log) == (0, "before switch after"), done.stdout
    assert 'gunicorn_tasks_after_switch failed at the task \\"Go wrong\\": no more.' in done.stdout
    assert f"Release {NEW} of the app shop serves all the same." in done.stdout


@pytest.mark.slow
def test_a_host_that_is_away_is_passed_over_after_the_switch(play):
    done, log = play("-e", "away=after")
    assert (done.returncode, log) == (0, "before switch after"), done.stdout
    assert "UNREACHABLE" in done.stdout + done.stderr
    done, log = play("-e", "away=before")
    assert (done.returncode, log) == (4, ""), done.stdout


@pytest.mark.alike
@pytest.mark.parametrize(
    ("when", "text"),
    [
        pytest.param("before", "- name: [", id="no YAML"),
        pytest.param("after", "- name: [", id="no YAML"),
        pytest.param("after", "- name: Tell\n  ansible.builtin.tell: {}\n", id="a module that nobody has"),
    ],
)
def test_a_file_that_can_not_be_read_ends_the_run_before_anything_changes(play, when, text):
    done, log = play(**{when: text})
    assert (done.returncode != 0, log) == (True, ""), done.stdout


@pytest.mark.slow
def test_a_look_at_them_plays_none(play):
    done, log = play("--tags", "switch,tell", after=NOTE.replace("WHEN", "after") + "  tags: [tell]\n")
    assert (done.returncode, log) == (0, "before switch after"), done.stdout


@pytest.mark.slow
def test_nothing_is_done_where_the_release_serves(play):
    done, log = play(serves=True)
    assert (done.returncode, log) == (0, "switch"), done.stdout


@pytest.mark.slow
def test_what_still_ends_is_said_by_a_deploy_and_by_a_rollback(play):
    said, _done = play()
    assert "Nobody waits for it, but this still ends what it has in hand: worker" in said.stdout
    for name in ("activate", "back"):
        assert "import_tasks: ending.yml" in (ROLE / f"tasks/{name}.yml").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "ending", "answer", "said"),
    [
        (False, [], "", []),
        (False, ["worker"], "", ["Nobody waits for it, but this still ends what it has in hand: worker"]),
        (True, [], "200 OK", ["The app answered 200 OK"]),
    ],
)
def test_a_switch_that_is_done_is_spoken_of_where_there_is_something_to_say(play, changed, ending, answer, said):
    switch = {"previous": NEW, "release": NEW, "version": "v2", "answer": answer, "ending": ending}
    done, log = play(serves=True, built=f"changed: {changed}, switch: {json.dumps(switch)}")
    assert (done.returncode, log) == (0, ""), done.stdout
    assert [line for line in said if line not in done.stdout] == []
    assert ("Prove the release and switch to it" in done.stdout) == bool(said)
