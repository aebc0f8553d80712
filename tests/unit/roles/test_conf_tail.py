# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role django adds to gunicorn.conf.py, run by hand; that Django finds its files is tested on servers."""

from __future__ import annotations

import pathlib
import runpy
import sys
import types

import gunicorn.config
import pytest
import yaml

VARS = pathlib.Path(__file__).parents[3] / "roles/django/vars/main.yml"
TAIL = yaml.safe_load(VARS.read_text(encoding="utf-8"))["__django_conf_tail"]


@pytest.mark.parametrize(
    ("conf", "met"),
    [
        pytest.param("", [], id="alone"),
        pytest.param("def post_fork(server, worker): server.append(worker)\n", ["worker"], id="beside a hook"),
        pytest.param("post_fork = 'project_hooks.meet'\n", ["worker"], id="beside a hook by name"),
    ],
)
def test_django_is_told_beside_the_users_own_hook(tmp_path, write, monkeypatch, conf, met):
    settings = types.SimpleNamespace(STATIC_URL="/files/", STATIC_ROOT=None)
    monkeypatch.setitem(sys.modules, "django.conf", types.SimpleNamespace(settings=settings))
    monkeypatch.syspath_prepend(str(tmp_path))
    write(tmp_path, {"project_hooks.py": "def meet(server, worker): server.append(worker)\n", "conf.py": conf + TAIL})
    config = gunicorn.config.Config()
    config.set("post_fork", runpy.run_path(str(tmp_path / "conf.py"))["post_fork"])

    server = []
    config.post_fork(server, "worker")

    assert server == met
    assert vars(settings)["STATIC_ROOT"] == f"{tmp_path}/static/files"
