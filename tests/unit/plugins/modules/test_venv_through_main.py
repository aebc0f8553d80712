# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules python_venv and python_interpreter through their own main, with the real uv and wheels that hold nothing."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import pwd
import shutil
import sys
import sysconfig
import types
import zipfile

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import sandboxes, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._release import stores
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming
from ansible_collections.pyweb.stack.plugins.module_utils._venv import builder, pythons, uv

USER = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> pathlib.Path:
    """Return a folder with a wheel of each package."""
    folder = tmp_path_factory.mktemp("wheels")
    for package in ("gunicorn-27.0.1", "gunicorn-26.0.0", "click-8.1"):
        name, version = package.split("-")
        with zipfile.ZipFile(folder / f"{package}-py3-none-any.whl", "w") as wheel:
            info = f"{package}.dist-info"
            wheel.writestr(f"{name}.py", "")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return folder


@pytest.fixture
def host(tmp_path, monkeypatch, as_root):
    """Have the pinned uv on the host, and a cache for the app."""
    monkeypatch.setattr(variable_rules, "faults", lambda _variables: [])
    monkeypatch.setattr(systemd, "commands", lambda _app: [])
    monkeypatch.setattr(stores, "TRIAL", str(tmp_path / "trial"))
    monkeypatch.setattr(sandboxes, "cache_folder", lambda _app: str(tmp_path / "cache"))
    monkeypatch.setattr(uv, "FOLDER", str(tmp_path / "tools"))
    # Wherever the tests' own is.
    monkeypatch.setattr(naming, "interpreter", lambda path: "names no interpreter" if "nosuch" in path else None)
    folder = tmp_path / f"tools/uv-{uv.VERSION}/bin"
    folder.mkdir(parents=True)
    (folder / "uv").symlink_to(os.path.join(sysconfig.get_path("scripts"), "uv"))
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with stores.Store(str(tmp_path / "srv"), "shop").locked("making it"):
        pass
    return tmp_path


@pytest.fixture
def venv(host, wheels, play):
    """Play the module python_venv for the app shop."""

    def venv(check=False, **given) -> dict:
        options = {"name": "shop", "root": str(host / "srv"), "user": USER, "python": sys.executable}
        return play("python_venv", check, **{**options, "index": {"wheels": str(wheels)}, **given})

    return venv


def test_an_environment_is_built_once_and_check_mode_says_so_before(venv, host):
    given = {"requirements": ["click"]}
    foretold = venv(check=True, **given)
    assert foretold["changed"], foretold.get("msg")
    assert not os.path.exists(foretold["path"])
    made = venv(**given)
    assert (made["changed"], made["path"]) == (True, foretold["path"])
    assert builder.installed(made["path"]) == ["click==8.1", "gunicorn==27.0.1"]
    again = venv(**given)
    assert (again["changed"], again["path"]) == (False, made["path"])
    assert not venv(check=True, **given)["changed"]
    older = venv(**given, gunicorn_version="26.0.0")
    assert "gunicorn==26.0.0" in builder.installed(older["path"])


def test_what_a_source_needs_is_found_and_what_counts_for_nothing_is_said(venv, host, write):
    source = write(host / "source", {"requirements.txt": "click\n", "poetry.lock": ""})
    made = venv(source=str(source))
    assert made["requirements_file"] == "requirements.txt"
    assert "click==8.1" in builder.installed(made["path"])
    assert "requirements.txt says what is installed; poetry.lock beside it counts for nothing" in made["warned"]
    # Those who name it know.
    write(source, {"requirements.txt": "click==8.1\n"})
    assert venv(source=str(source), requirements_file="requirements.txt")["warned"] == ""


def test_check_mode_without_a_source_or_a_python_yet_says_that_it_changes(venv):
    for unknown in ({"source": ""}, {"python": ""}):
        foretold = venv(check=True, **unknown)
        assert (foretold["changed"], foretold["path"]) == (True, "")


def test_check_mode_on_a_host_without_uv_says_that_it_changes(venv, host):
    shutil.rmtree(host / "tools")
    foretold = venv(check=True)
    assert foretold["changed"], foretold.get("msg")
    assert foretold["path"].startswith(str(host / "srv/shop/venvs/"))
    assert "python3-pip-whl" in venv()["msg"] or "has no file uv-" in venv()["msg"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"python": "/usr/bin/nosuch"}, "gunicorn_python names no interpreter"),
        ({"requirements_file": "nosuch.txt"}, "gunicorn_requirements_file is 'nosuch.txt', but the source has no such"),
        ({"requirements": ["nosuch"]}, "nosuch"),
        ({"index": {"wheels": "/nosuch"}}, "gunicorn_index.wheels is '/nosuch', but the target has no such folder"),
        ({"index": {"wheels": "/opt", "url": "https://pypi.example.com"}}, "mutually exclusive"),
    ],
)
def test_what_can_not_be_installed_is_said(venv, host, write, given, said):
    source = write(host / "source", {"shop.py": ""})
    assert said in venv(**{"source": str(source), "requirements": ["click"], **given})["msg"]
    assert not list((host / "srv").glob("shop/venvs/*"))


def test_a_source_whose_needs_are_unreadable_is_refused_unless_the_user_names_some(venv, host, write):
    source = write(host / "source", {"environment.yml": "dependencies: [python]\n", "shop.py": ""})
    refused = venv(source=str(source))
    given = venv(source=str(source), requirements=["click"])
    assert "environment.yml" in refused.get("msg", "environment.yml")
    assert builder.installed(given["path"]) == ["click==8.1", "gunicorn==27.0.1"]


def test_a_repository_that_takes_a_key_is_waited_for_until_that_is_sent(venv, host):
    required = {"requirements": ["helper @ git+ssh://git@127.0.0.1:1/helper.git@main"]}
    key = {"ssh_key": "/home/me/deploy", "known_hosts": "127.0.0.1 ssh-ed25519 AAAA"}
    waits = venv(**required, ssh=key)
    assert (waits["waits"], waits["changed"]) == (True, True)
    refused = venv(**required, ssh={**key, "key": "planted"})
    assert "ssh://127.0.0.1:1/helper.git can't be read: ssh: connect to host" in refused["msg"]
    assert "planted" not in json.dumps(refused)
    assert not list((host / "srv").glob("shop/venvs/*"))


def test_no_credentials_are_shown(venv):
    url = "https://me:hunter2@pypi.example.com/simple"
    shown = venv(
        check=True, source="", index={"url": url}, requirements=[f"click @ {url}"], requirements_text=f"-i {url}\n"
    )
    assert "hunter2" not in json.dumps(shown)
    assert shown["invocation"]["module_args"]["index"]["url"] == "(hidden)"


def test_what_another_run_built_while_this_one_waited_is_taken(venv, monkeypatch):
    first = venv()["path"]
    kept = first + "-kept"
    os.rename(first, kept)
    locked = stores.Store.locked

    @contextlib.contextmanager
    def after_another(store, purpose):
        with locked(store, purpose):
            os.rename(kept, first)
            yield

    monkeypatch.setattr(stores.Store, "locked", after_another)
    monkeypatch.setattr(builder, "build", lambda *_arguments: pytest.fail("it was built again"))
    assert venv()["path"] == first


@pytest.fixture
def of_uv(host, monkeypatch):
    """Have interpreters of uv's, each of which is there once it was installed; return those that were."""
    installed = []
    build = types.SimpleNamespace(path="/usr/local/lib/python/3.13", there=lambda: bool(installed))
    monkeypatch.setattr(pythons, "of_the_host", lambda version: "/usr/bin/python3.11" if version == "3.11" else None)
    monkeypatch.setattr(pythons, "of_uv", lambda _version, _index: build)
    monkeypatch.setattr(pythons, "install", lambda _build, version, _index: installed.append(version))
    return installed


def test_an_interpreter_is_the_hosts_or_is_installed_once(of_uv, play, host):
    assert play("python_interpreter", python="3.11")["path"] == "/usr/bin/python3.11"
    assert not play("python_interpreter", python="3.11")["changed"]
    foretold = play("python_interpreter", True, python="3.13")
    assert (foretold["changed"], foretold["path"], of_uv) == (True, "", [])
    made = play("python_interpreter", python="3.13")
    assert (made["changed"], made["path"], of_uv) == (True, "/usr/local/lib/python/3.13", ["3.13"])
    again = play("python_interpreter", python="3.13")
    assert (again["changed"], again["path"], of_uv) == (False, "/usr/local/lib/python/3.13", ["3.13"])
    assert not play("python_interpreter", True, python="3.13")["changed"]


def test_without_uv_check_mode_knows_no_path_and_a_run_says_what_is_missing(of_uv, play, host, wheels):
    shutil.rmtree(host / "tools")
    foretold = play("python_interpreter", True, python="3.13")
    assert (foretold["changed"], foretold["path"]) == (True, "")
    assert play("python_interpreter", python="3.13", index={"wheels": str(wheels)})["msg"]
    assert of_uv == []
