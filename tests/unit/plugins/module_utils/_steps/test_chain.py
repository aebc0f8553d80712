# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps a chain does, in which order, and what each gets of those before it."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import types

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._module import module as modules
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._steps import chain

NEW, OLD = "4f6a7d8e9c0b", "0b1a2f3e4d5c"
APP = {
    "name": "shop",
    "root": "/srv",
    "user": "shop",
    "chdir": ".",
    "wsgi_app": "shop:app",
    "memory_per_worker": 100,
    "built": None,
}
RESULTS = {
    "host": {"changed": False, "lacks": {}},
    "source": {"changed": True, "path": "/srv/shop/sources/1", "version": "v1", "serving": "", "waits": False},
    "project": {
        "changed": False,
        "chdir": "web",
        "wsgi_app": "web.wsgi",
        "env": {"DJANGO_SETTINGS_MODULE": "web.settings"},
        "settings": {"pythonpath": "lib"},
        "messages": ["found it"],
    },
    "venv": {"changed": False, "path": "/srv/shop/venvs/2", "serving": ""},
    "config": {"changed": False, "content": "workers = 3", "graceful_timeout": 20},
    "release": {"changed": True, "serves": False, "id": NEW, "alike": OLD, "diff": [{"after": "3"}]},
    "migrate": {"changed": True, "diff": {"after": "0001"}},
}
SOURCE = {"git": "https://git.example.com/shop.git"}
BUILD = {"source": SOURCE, "venv": {"gunicorn_version": "27.0.1"}, "config": {"settings": {}}, "release": {}}
DJANGO = {**BUILD, "project": {}, "check": {}}
ACTIVATION = {"migrate": {}, "check_later": {}, "switch": {}}


class Refused(Exception):
    """What the module would fail with."""


@pytest.fixture
def play(monkeypatch):
    """Do these steps, each of which returns what RESULTS or the test has; return the result, and the options of each."""

    def play(steps, check_mode=False, built=None, **results):
        done = {}

        def stand_in(name):
            def run(_module, params):
                done[name] = params
                result = dict({**RESULTS, **results}.get(name, {"changed": False}))
                return {**result, "plan": params["plan"], "messages": []} if name == "release" else result

            link = dataclasses.replace(chain.LINKS[name])
            link.__dict__["step"] = dataclasses.replace(link.step, run=run)
            return link

        def refuse(msg):
            raise Refused(msg)

        monkeypatch.setattr(chain, "LINKS", {name: stand_in(name) for name in chain.LINKS})
        module = types.SimpleNamespace(fail_json=refuse, check_mode=check_mode, besides={})
        module.refuse = lambda variables: modules.Module.refuse(module, variables)
        play.module = module
        return chain.run(module, {**APP, "built": built, "steps": steps}), done

    return play


def test_the_steps_are_done_in_their_order(play):
    once = {"once": {"before_switch": [{"command": ["flask", "db", "upgrade"], "once": True}]}}
    later = {"check": {"changed": False, "later": True, "unchecked": True}}
    _result, done = play({**once, **ACTIVATION, **DJANGO, "host": {"role": "gunicorn"}}, **later)
    order = (
        "host",
        "source",
        "project",
        "venv",
        "config",
        "release",
        "check",
        "migrate",
        "check_later",
        "once",
        "switch",
    )
    assert list(done) == [*order]


def test_an_interpreter_of_a_version_is_what_source_and_venv_take(play):
    given = {"interpreter": {"python": "3.12"}, **BUILD}
    _result, done = play(given, interpreter={"changed": True, "path": "/opt/python3.12"})
    assert next(iter(done)) == "interpreter"
    assert done["source"]["python"] == done["venv"]["python"] == "/opt/python3.12"


def test_what_comes_before_the_switch_and_after_it(play):
    once = {"release": NEW, "before_switch": [{"command": ["manage.py", "check"]}]}
    given = {"site": {"app": "shop"}, "database": {"app": "shop"}, "switch": {"release": NEW}, "once": once}
    _result, done = play(given)
    assert list(done) == ["once", "switch", "site", "database"]
    assert (done["once"]["name"], done["once"]["root"]) == ("shop", "/srv")


@pytest.mark.parametrize(
    ("env", "asked"),
    [
        pytest.param({"DJANGO_SETTINGS_MODULE": "a digest"}, ["compare"], id="Django's"),
        pytest.param({}, [], id="another's"),
        pytest.param(None, [], id="none active"),
    ],
)
def test_only_a_release_of_django_is_compared(play, monkeypatch, tmp_path, write, env, asked):
    monkeypatch.setitem(APP, "root", str(tmp_path))
    store = Store(str(tmp_path), "shop")
    with store.locked("deploying"):
        write(store.item("releases", OLD), {"release.json": json.dumps({"env": env})})
        if env is not None:
            store.switch(OLD)
    assert list(play({"compare": {"release": "previous"}})[1]) == asked


def test_a_plan_that_can_not_be_made_names_the_fault(play, monkeypatch):
    monkeypatch.setitem(APP, "memory_per_worker", 0)
    with pytest.raises(Refused, match=r"gunicorn_plan: \w+ is 0, but must be a whole number of at least 1"):
        play(BUILD)


def test_it_is_told_how_long_it_took_to_activate_what_was_built(play, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(chain.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(chain.Chain, "build", lambda _chain: now.append(now.pop() + 100) or True)
    monkeypatch.setattr(chain.Chain, "is_django", lambda _chain: now.append(now.pop() + 2.04))
    monkeypatch.setattr(chain.Chain, "built", lambda _chain: {"id": NEW})
    assert play({**BUILD, **ACTIVATION, "compare": {"release": NEW}})[0]["seconds"] == 2.0
    assert play(BUILD)[0]["seconds"] == 0.0


def test_what_is_built_becomes_active_in_the_same_call(play):
    _result, done = play({**DJANGO, **ACTIVATION}, source={**RESULTS["source"], "serving": OLD})
    assert {done[name]["release"] for name in ("check", "migrate")} == {OLD}
    assert (done["switch"]["release"], done["switch"]["version"]) == (NEW, "v1")
    assert {done[name]["replaces"] for name in ("migrate", "switch")} == {OLD}
    assert "check_later" not in done


def test_an_app_without_a_source_replaces_what_its_environment_found_active(play):
    steps = {name: options for name, options in BUILD.items() if name != "source"}
    _result, done = play({**steps, "switch": {}}, venv={**RESULTS["venv"], "serving": OLD})
    assert (done["switch"]["replaces"], done["switch"]["version"]) == (OLD, "")


def test_what_was_active_before_anything_was_sent_is_what_is_replaced(play):
    _result, done = play({**DJANGO, **ACTIVATION}, built={"replaces": OLD, "id": None})
    assert {done[name]["replaces"] for name in ("migrate", "switch")} == {OLD}
    assert done["switch"]["release"] == NEW


def test_a_later_call_activates_what_an_earlier_one_built(play):
    built = {"id": NEW, "alike": OLD, "version": "v2", "replaces": "", "unchecked": True, "later": False}
    _result, done = play(ACTIVATION, built=built)
    assert list(done) == ["migrate", "switch"]
    assert (done["migrate"]["release"], done["migrate"]["unchecked"], done["migrate"]["told"]) == (OLD, True, None)
    assert (done["switch"]["release"], done["switch"]["version"], done["switch"]["replaces"]) == (NEW, "v2", "")
    assert "check_later" in play(ACTIVATION, built={**built, "later": True})[1]


def test_django_is_asked_once_for_what_two_steps_want_to_know(play):
    first, second = {"states": {"default": {}}, "deployed": {}}, {"states": {}}
    check = {"changed": False, "told": second}
    result, done = play({**DJANGO, **ACTIVATION}, release={**RESULTS["release"], "told": first}, check=check)
    assert done["check"]["told"] == first
    assert done["migrate"]["told"] == second
    assert "told" not in {**result["release"], **result["check"]}


def test_a_release_that_serves_is_asked_for_its_migrations_anew(play):
    _result, done = play({**DJANGO, **ACTIVATION}, release={**RESULTS["release"], "serves": True, "told": None})
    assert list(done)[-2:] == ["migrate", "switch"]
    assert done["migrate"]["told"] is None


def test_whoever_goes_back_waits_for_no_comparison(play, monkeypatch, tmp_path, write):
    monkeypatch.setitem(APP, "root", str(tmp_path))
    store = Store(str(tmp_path), "shop")
    with store.locked("deploying"):
        write(
            store.item("releases", NEW), {"release.json": json.dumps({"env": {"DJANGO_SETTINGS_MODULE": "a digest"}})}
        )
        store.switch(NEW)
    _result, done = play({"compare": {"release": "previous"}, "switch": {"release": "previous", "back": True}})
    assert list(done) == ["switch", "compare"]
    assert done["compare"]["replaces"] == NEW


def test_a_failure_from_the_release_on_says_which_one_it_is_and_what_was_found(play):
    play({**DJANGO, **ACTIVATION})
    assert play.module.besides["release"] == {"id": NEW}
    assert play.module.besides["messages"][0] == "found it"
    play(ACTIVATION)
    assert play.module.besides == {}


def test_nothing_was_migrated_in_check_mode_that_a_check_could_find(play):
    _result, done = play({"check_later": {"release": OLD}, "migrate": {"release": OLD}}, check_mode=True)
    assert list(done) == ["migrate"]


def test_nothing_is_done_on_a_host_that_lacks_something(play):
    lacks = {"packages": ["git"]}
    result, done = play({"host": {"role": "gunicorn"}, **BUILD}, host={"changed": False, "lacks": lacks})
    assert list(done) == ["host"]
    assert result["lacks"] == lacks


def test_what_follows_waits_for_a_source_that_the_controller_has_to_send(play):
    result, done = play(BUILD, source={**RESULTS["source"], "path": "", "waits": True})
    assert list(done) == ["source"]
    assert result["waits"]


def test_what_follows_waits_for_a_key_that_an_environment_takes(play):
    source = {"git": "git@git.example:shop.git", "ssh_key": "deploy", "known_hosts": "git.example ssh-ed25519 AAAA"}
    result, done = play({**BUILD, "source": source}, venv={"changed": True, "path": "", "waits": True})
    assert list(done) == ["source", "venv"]
    assert result["waits"]
    assert done["venv"]["ssh"] == {"ssh_key": "deploy", "key": None, "known_hosts": source["known_hosts"]}
    _result, done = play({**BUILD, "source": {"path": "/opt/shop"}})
    assert done["venv"]["ssh"] is None


def test_each_step_gets_what_those_before_it_found(play):
    _result, done = play(DJANGO)
    assert done["venv"]["source"] == "/srv/shop/sources/1"
    assert done["venv"]["chdir"] == done["release"]["chdir"] == "web"
    assert done["config"]["python"] == "/srv/shop/venvs/2/bin/python"
    assert done["config"]["chdir"] == "/srv/shop/sources/1/web"
    assert done["config"]["wsgi_app"] == done["release"]["wsgi_app"] == "web.wsgi"
    assert done["release"]["env"] == {"DJANGO_SETTINGS_MODULE": "web.settings"}
    assert (done["release"]["config"], done["release"]["graceful_timeout"]) == ("workers = 3", 20)
    assert (done["check"]["release"], done["check"]["command"]) == (OLD, "check")


def test_what_follows_a_build_has_the_built_source(play):
    added = {
        "files/.env": {"content": "A=b", "secret": True},
        "local.py": "A = 1",
        "b": {"content": "c", "secret": False},
    }
    built = {"changed": True, "path": "/srv/shop/sources/9", "messages": ["large"]}
    steps = {**DJANGO, "source": {**SOURCE, "source_files": added}, "build": {"build": [["npm", "ci"]]}}
    result, done = play(steps, build=built)
    assert list(done)[:3] == ["source", "build", "project"]
    assert done["build"]["source"] == "/srv/shop/sources/1"
    assert done["build"]["secrets"] == done["venv"]["secrets"] == ["files/.env"]
    assert {done[name]["source"] for name in ("project", "venv", "release")} == {"/srv/shop/sources/9"}
    assert result["messages"][0] == "large"


def test_what_is_not_built_in_check_mode_is_looked_at_as_it_was_fetched(play):
    _result, done = play({**BUILD, "build": {"build": [["npm", "ci"]]}}, True, build={"changed": True, "path": ""})
    assert done["venv"]["source"] == "/srv/shop/sources/1"
    assert done["release"]["source"] == ""


def test_a_build_takes_a_source(play):
    steps = {name: options for name, options in BUILD.items() if name != "source"}
    with pytest.raises(Refused, match="gunicorn_build has commands, but there is no gunicorn_source"):
        play({**steps, "build": {"build": [["npm", "ci"]]}})


def test_what_a_release_does_once_comes_after_its_migrations(play):
    once = {"release": NEW, "before_switch": [{"command": ["flask", "db", "upgrade"], "once": True}]}
    _result, done = play({"once": once, "switch": {"release": NEW}, "migrate": {"release": NEW}})
    assert list(done) == ["migrate", "once", "switch"]


def test_the_planned_workers_are_those_of_the_configuration(play):
    _result, done = play(BUILD)
    assert done["config"]["settings"] == {"workers": done["release"]["plan"]["workers"]}


def test_the_workers_that_the_user_set_stay(play):
    _result, done = play({**BUILD, "config": {"settings": {"workers": 7}}})
    assert done["config"]["settings"] == {"workers": 7}


def test_what_the_user_sets_of_gunicorn_wins_over_what_a_project_needs(play):
    given = {"worker_class": "asgi", "pythonpath": "mine"}
    _result, done = play({**DJANGO, "config": {"settings": given}})
    assert done["config"]["settings"] == {"workers": done["release"]["plan"]["workers"], **given}
    assert done["project"]["worker_class"] == "asgi"


def test_what_the_user_sets_of_the_environment_wins(play):
    _result, done = play({**DJANGO, "release": {"env": {"DJANGO_SETTINGS_MODULE": "mine"}}})
    assert done["release"]["env"] == {"DJANGO_SETTINGS_MODULE": "mine"}


def test_an_app_that_is_a_package_has_no_source(play):
    _result, done = play({name: options for name, options in BUILD.items() if name != "source"})
    assert done["release"]["source"] is None
    assert done["config"]["chdir"] is None


def test_what_check_mode_cannot_know_is_left_open(play):
    source, venv = {**RESULTS["source"], "path": ""}, {"changed": True, "path": ""}
    config = {"changed": False, "content": None}
    _result, done = play(BUILD, source=source, venv=venv, config=config)
    assert (done["venv"]["source"], done["config"]["python"], done["config"]["chdir"]) == ("", None, None)
    assert (done["release"]["source"], done["release"]["venv"], done["release"]["config"]) == ("", "", None)
    assert done["release"]["graceful_timeout"] == 30


def test_django_does_nothing_in_a_release_that_serves(play):
    _result, done = play(DJANGO, release={**RESULTS["release"], "serves": True})
    assert "check" not in done


def test_a_step_gets_its_defaults(play):
    _result, done = play({"switch": {"release": NEW}})
    assert (done["switch"]["keep_releases"], done["switch"]["back"]) == (5, False)


def test_the_result_is_that_of_all_steps(play):
    result, done = play({**DJANGO, "migrate": {"release": OLD}})
    assert result["messages"][:2] == ["found it", done["release"]["plan"]["summary"]]
    assert result["changed"]
    assert result["diff"] == [{"after": "3"}, {"after": "0001"}]
    assert result["release"]["id"] == NEW
    assert not play({"switch": {"release": NEW}})[0]["changed"]


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ({"switch": {"relase": NEW}}, "switch: relase"),
        ({"source": {**SOURCE, "path": "/opt"}}, "source: parameters are mutually exclusive"),
        ({"switch": {"release": NEW, "drain_timeout": -1}}, "gunicorn_drain_timeout"),
    ],
)
def test_what_is_wrong_with_any_step_is_said_before_the_first_is_done(play, steps, says):
    with pytest.raises(Refused, match=says):
        play({"host": {"role": "gunicorn"}, **steps})


def test_an_app_has_to_be_named_unless_a_project_names_it(play, monkeypatch):
    monkeypatch.setitem(APP, "wsgi_app", None)
    with pytest.raises(Refused, match="gunicorn_wsgi_app is not given"):
        play(BUILD)
    with pytest.raises(Refused, match=r"such as \"pyramid\.paster:get_app\('production\.ini'\)\""):
        play({**BUILD, "config": {"settings": {"paste": "production.ini"}}})
    assert play(DJANGO)[0]["changed"]


def test_no_secret_of_a_step_is_shown():
    steps = {
        "source": {"git": "https://me:hunter2@git.example.com/shop.git", "key": "hunter2"},
        "venv": {"index": {"url": "https://me:hunter2@pypi.example.com"}},
        "release": {"env": {"SECRET": "hunter2"}},
    }
    assert "hunter2" not in str(chain.STEP.shown({"steps": steps}))


def test_every_step_is_sent_along_and_loads():
    """Ansible sends what it sees imported, and the names of files are but texts."""
    text = pathlib.Path(chain.__file__).read_text(encoding="utf-8")
    sent = re.search(r"_steps import \(  # noqa: F401(.*?)\)", text, re.DOTALL)[1]
    assert set(re.findall(r"\w+", sent)) == {link.file for link in chain.LINKS.values()}
    assert all(link.step.options for link in chain.LINKS.values())
