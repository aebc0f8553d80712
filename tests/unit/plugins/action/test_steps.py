# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller adds to several steps: the source that lies here, and nothing for what is not given."""

from __future__ import annotations

import types

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.utils.display import Display
from ansible_collections.pyweb.stack.plugins.action.steps import ActionModule


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Run a task from a playbook in the test's folder, on a target that waits until it is sent the source; return both."""

    def play(variables=None, **steps):
        loader = DataLoader()
        loader.set_basedir(str(tmp_path))
        shell = types.SimpleNamespace(join_path=lambda *parts: "/".join(parts), tmpdir="/remote")
        task = types.SimpleNamespace(args={"name": "shop", "steps": steps}, check_mode=False, async_val=0, diff=False)
        action = ActionModule(task, types.SimpleNamespace(_shell=shell), types.SimpleNamespace(), loader, None, None)
        asked = []

        def execute(_self, _module, module_args, task_vars):
            asked.append({step: dict(options) for step, options in module_args["steps"].items()})
            there = "sent" in module_args["steps"].get("source", {})
            return {
                "waits": "source" in module_args["steps"] and not there,
                "source": {"serving": str(len(asked))},
                "invocation": {"module_args": module_args},
            }

        monkeypatch.setattr(ActionModule, "_execute_module", execute)
        monkeypatch.setattr(ActionModule, "_transfer_file", lambda _self, local, remote: remote)
        return action.run(task_vars=variables or {}), asked

    return play


def test_an_option_or_a_step_that_is_none_is_not_given(play):
    _result, asked = play(check=None, migrate={}, switch={"release": "1", "bind": None})
    assert asked == [{"migrate": {}, "switch": {"release": "1"}}]


def test_a_folder_is_sent_where_it_is_waited_for(play, write, tmp_path):
    write(tmp_path, {"shop/shop.py": "app = None\n"})
    result, asked = play(source={"directory": "shop"}, venv={"requirements": []})
    assert [sorted(each["source"]) for each in asked] == [["digest", "directory"], ["digest", "directory", "sent"]]
    assert all(each["venv"] == {"requirements": []} for each in asked)
    # What was active when this began, before anything was sent.
    assert result["source"]["serving"] == "1"
    assert not result["waits"]


def test_credentials_of_the_source_are_shown_to_nobody(play):
    result, _asked = play(source={"git": "https://me:hunter2@git.example.com/shop.git"})
    assert "hunter2" not in str(result["invocation"])


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"gunicorn_workers": 4}, "set gunicorn_settings: {workers: 4}"),
        ({"gunicorn_timeout": "{{ patience }}", "gunicorn_settings": {"workers": 2}}, "{timeout: {{ patience }}}"),
        ({"nginx_site_ssl": True}, "nginx_site_ssl is no variable of the role and changes nothing: set nginx_site_tls"),
        ({"nginx_site_domain": "a.example", "nginx_site_server_names": []}, "set nginx_site_server_names"),
        # The user's own, and what nobody can know before it is templated.
        ({"gunicorn_workers": 4, "gunicorn_settings": {"workers": "{{ gunicorn_workers }}"}}, None),
        ({"gunicorn_workers": 4, "gunicorn_settings": "{{ common }}"}, None),
        ({"nginx_site_domain": "a.example", "nginx_site_server_names": ["{{ nginx_site_domain }}"]}, None),
        ({"gunicorn_port": 8000}, None),
    ],
)
def test_a_name_that_changes_nothing_is_warned_of(play, monkeypatch, variables, says):
    warned = []
    monkeypatch.setattr(Display(), "warning", warned.append)
    for role in ("gunicorn", "nginx_site"):
        play({name: value for name, value in variables.items() if name.startswith(role)}, host={"role": role})
    play(variables, check=None)
    assert [says in each for each in warned] == ([True] if says else [])
