# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own Python is looked at and never run."""

from __future__ import annotations

import os
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import conf_file
from ansible_collections.pyweb.stack.plugins.module_utils._host import sandboxes

KNOWN = ["workers", "threads", "accesslog", "preload_app", "post_fork", "when_ready", "bind"]
OWNED = {"bind": "use the other one", "config": "leave it out"}


def _faults(text: str) -> list[str]:
    with sandboxes.unconfined() as run:
        return conf_file.faults(run, sys.executable, text, OWNED, KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("import multiprocessing\nworkers = multiprocessing.cpu_count() * 2 + 1\n", id="computed"),
        pytest.param("def when_ready(server):\n    bind = 1\n    wokers = 2\n", id="a name inside a hook"),
        pytest.param("class Other:\n    bind = 1\n", id="a name inside a class"),
        pytest.param("workers = len([bind for bind in (1, 2)])\n", id="a name inside a comprehension"),
        pytest.param("worker = 3\nworkers = worker + 1\n", id="a name like a setting's that is read"),
        pytest.param("thread = 3\ndef post_fork(server, worker):\n    print(thread)\n", id="read inside a hook"),
        pytest.param("_worker = 3\nlog_folder = '/var/log'\n", id="names of its own"),
        pytest.param("print(bind)\n", id="a name that it only reads"),
        pytest.param("größe = 'groß'\r\n", id="letters"),
    ],
)
def test_all_is_well(text):
    assert _faults(text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nbind = 1\n", "line 2 sets bind, which is not this file's to set: use the other one"),
        ("if True:\n    for x in (1, 2):\n        bind = x\n", "line 3 sets bind, "),
        ("workers = 1\nworkers, bind = 3, 4\n", "line 2 sets bind, "),
        ("bind: int = 1\n", "line 1 sets bind, "),
        ("bind += 1\n", "line 1 sets bind, "),
        ("if (bind := 1): pass\n", "line 1 sets bind, "),
        ("for bind in (1, 2): pass\n", "line 1 sets bind, "),
        ("def bind(): pass\n", "line 1 sets bind, "),
        ("import config\n", "line 1 sets config, which is not this file's to set: leave it out"),
        ("from elsewhere import address as bind\n", "line 1 sets bind, "),
        ("wokers = 3\n", "line 1 sets wokers, which gunicorn doesn't know: did you mean workers?"),
        ("Workers = 3\n", "did you mean workers?"),
        ("access_log = '-'\n", "did you mean accesslog?"),
        ("preload = True\n", "did you mean preload_app?"),
        ("def postfork(server, worker): pass\n", "did you mean post_fork?"),
        ("workers = 1\ndef x(:\n", "line 2: invalid syntax"),
        ("return 3\n", "line 1: 'return' outside function"),
        (
            "workers = 1\nfrom __future__ import annotations\n",
            "line 2: from __future__ imports must occur at the beginning",
        ),
        ("from __future__ import annotations\n", "line 1: an import from __future__ can only be at the head of a file"),
        ("x = '\0'\n", "null bytes"),
    ],
)
def test_a_fault_names_the_line_and_the_remedy(text, said):
    (fault,) = _faults(text)
    assert said in fault


def test_nothing_of_it_runs(tmp_path):
    assert _faults(f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\nraise SystemExit(3)\n") == []
    assert os.listdir(tmp_path) == []


def test_each_fault_is_told():
    assert [fault.split()[1] for fault in _faults("bind = 1\nwokers = 2\nimport config\n")] == ["1", "2", "3"]


def test_it_is_read_from_where_the_app_runs(tmp_path, write):
    write(tmp_path, {"src/conf/gunicorn.py": "workers = 3\n"})
    (tmp_path / "current").symlink_to("src")
    assert conf_file.read(str(tmp_path / "src/."), "conf/gunicorn.py") == "workers = 3\n"
    assert conf_file.read(str(tmp_path / "current"), "conf/gunicorn.py") == "workers = 3\n"


def test_files_that_look_like_one_are_found_without_a_name(tmp_path, write):
    names = [
        "gunicorn.conf.py",
        "gunicorn_conf.py",
        "deploy/gunicorn.py",
        "config/gunicorn-cfg.py",
        "gunicorn.config.py",
    ]
    others = ["gunicorn_hooks.py", "wsgi.py", "a/b/gunicorn.conf.py", "gunicorn.conf", "my_gunicorn.py"]
    assert conf_file.like(str(write(tmp_path, dict.fromkeys(names + others, "")))) == sorted(names)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "none.py",
            "is 'none.py', but {}/none.py can't be read (No such file or directory): name a file in the source",
        ),
        ("folder", "can't be read (Is a directory)"),
        ("binary.py", "can't be read ('utf-8' codec"),
        ("link.py", "is 'link.py', which is or goes through a link: name the file itself"),
        ("way/secret.py", "goes through a link"),
    ],
)
def test_a_file_that_can_not_be_had(tmp_path, write, path, said):
    app = write(tmp_path / "app", {"folder/x": ""})
    write(tmp_path, {"secret/secret.py": "password = 1\n"})
    (app / "binary.py").write_bytes(b"\xff")
    (app / "link.py").symlink_to("../secret/secret.py")
    (app / "way").symlink_to("../secret")
    with pytest.raises(conf_file.ConfFileError) as caught:
        conf_file.read(str(app), path)
    assert said.format(app) in str(caught.value)


def test_what_an_environment_prints_is_no_answer(talkative):
    with sandboxes.unconfined() as run:
        assert conf_file.faults(run, talkative, "wokers = 1\n", OWNED, KNOWN) != []
        assert conf_file.faults(run, talkative, "workers = 1\n", OWNED, KNOWN) == []


def test_no_answer_is_a_fault(monkeypatch):
    monkeypatch.setattr(conf_file, "_QUESTION", "")
    assert _faults("workers = 1\n") == [f"{sys.executable} can't read it: it ended without an answer"]


@pytest.mark.parametrize(
    ("name", "text", "given"),
    [
        (
            "Procfile",
            "release: flask db upgrade\nweb: gunicorn -w 4 -k gthread --threads=8 --timeout 120 app:app --log-file -\n",
            {"worker_class": "gthread", "threads": "8", "timeout": "120"},
        ),
        (
            "Dockerfile",
            'FROM python:3.12\nRUN pip install gunicorn\nCMD ["gunicorn", "-b", "0.0.0.0:80", "--timeout", "90", "app:app"]\n',
            {"timeout": "90"},
        ),
        (
            "Dockerfile",
            "CMD exec gunicorn --bind :$PORT --workers 1 --threads 8 --timeout $SLOW main:app\n",
            {"threads": "8"},
        ),
        ("Procfile", "web: gunicorn app:app\n", None),
        ("Procfile", "web: uvicorn app:app --timeout 3\nworker: gunicorn --timeout 9\n", None),
    ],
)
def test_what_a_platform_or_a_container_is_told_is_found(tmp_path, write, name, text, given):
    assert conf_file.started(str(write(tmp_path, {name: text}))) == ({name: given} if given else {})
