# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file of a source says what an app needs."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._venv import finding
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError

PROJECT = '[project]\nname = "shop"\nversion = "1.0"\n'


@pytest.mark.parametrize(
    ("files", "chdir", "found"),
    [
        pytest.param(["requirements.txt"], ".", "requirements.txt", id="at the top"),
        pytest.param(["requirements.txt", "src/requirements.txt"], "src/", "src/requirements.txt", id="nearest"),
        pytest.param(["requirements.txt", "src/app.py"], "./src", "requirements.txt", id="at the top from below"),
        pytest.param(["src/requirements.txt"], ".", None, id="not elsewhere"),
        pytest.param(["uv.lock", "requirements.txt", "pyproject.toml"], ".", "uv.lock", id="the most exact"),
        pytest.param(["requirements.txt", "pyproject.toml"], ".", "requirements.txt", id="the next"),
        pytest.param(["requirements.txt", "pylock.toml"], ".", "pylock.toml", id="a lock of the standard"),
        pytest.param(["requirements.txt", "poetry.lock"], ".", "requirements.txt", id="an export of a lock"),
        pytest.param(["poetry.lock", "pyproject.toml"], ".", "poetry.lock", id="a lock before its project"),
        pytest.param(["Pipfile", "Pipfile.lock"], ".", "Pipfile.lock", id="a lock of pipenv"),
        pytest.param(["pdm.lock", "pyproject.toml"], ".", "pdm.lock", id="a lock of pdm"),
        pytest.param(["pyproject.toml"], ".", "pyproject.toml", id="a project"),
        pytest.param(["uv.lock", "src/pyproject.toml"], "src", "src/pyproject.toml", id="nearest before most exact"),
        pytest.param(
            ["requirements/base.txt", "requirements/production.txt"], ".", "requirements/production.txt", id="a folder"
        ),
        pytest.param(["requirements/prod.txt"], "src", "requirements/prod.txt", id="a folder at the top"),
        pytest.param(["src/requirements/base.txt"], "src", "src/requirements/base.txt", id="a folder beside the app"),
        pytest.param(["requirements/base.txt", "pyproject.toml"], ".", "pyproject.toml", id="a folder comes last"),
    ],
)
def test_the_file(tmp_path, write, files, chdir, found):
    texts = {name: PROJECT if name.endswith("pyproject.toml") else "" for name in files}
    assert finding.find(str(write(tmp_path, texts)), chdir).file == found


def test_a_project_of_tools_alone_says_nothing(tmp_path, write):
    assert finding.find(str(write(tmp_path, {"pyproject.toml": "[tool.ruff]\nproject = 1"})), ".").file is None


@pytest.mark.parametrize(
    ("files", "passed_over"),
    [
        (["requirements.txt", "poetry.lock", "Pipfile.lock", "pyproject.toml"], ["Pipfile.lock", "poetry.lock"]),
        (["requirements.txt", "requirements-dev.txt"], []),
        (["uv.lock", "requirements.txt"], []),
        (["requirements/base.txt", "requirements/heroku.txt"], ["requirements/heroku.txt"]),
        (["requirements/base.txt", "requirements/prod.txt"], []),
        (
            ["pyproject.toml", "requirements/base.txt", "requirements/local.txt", "requirements/production.txt"],
            ["requirements/base.txt", "requirements/production.txt"],
        ),
        (["pyproject.toml", "requirements/local.txt"], []),
        (["src/pyproject.toml", "requirements/prod.txt"], ["requirements/prod.txt"]),
        (["uv.lock", "pyproject.toml", "requirements/base.txt"], []),
    ],
)
def test_what_may_have_been_meant_instead_is_named(tmp_path, write, files, passed_over):
    texts = {name: PROJECT if name.endswith("pyproject.toml") else "" for name in files}
    assert finding.find(str(write(tmp_path, texts)), "src").passed_over == passed_over


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"Pipfile": ""}, "It has Pipfile: run `pipenv lock`"),
        ({"setup.py": "", "setup.cfg": ""}, r"It has setup.cfg, setup.py: .*gunicorn_requirements: \['.'\]"),
        ({"environment.yml": ""}, "It has environment.yml: .*export a requirements.txt"),
        (
            {"requirements/local.txt": "", "requirements/live.txt": ""},
            "It has requirements/live.txt, requirements/local.txt:",
        ),
        ({"requirements-prod.txt": ""}, "It has requirements-prod.txt: name .* in gunicorn_requirements_file"),
        ({"requirements/base.in": ""}, "It has requirements/base.in: .*pip-compile"),
        ({"deploy/requirements.txt": ""}, "It has deploy/requirements.txt: name"),
        ({"deploy/requirements/live.txt": ""}, "It has deploy/requirements/live.txt: name"),
        ({"deploy/requirements/live.in": ""}, "It has deploy/requirements/live.in: .*pip-compile"),
        ({"pylock.web.toml": ""}, "It has pylock.web.toml: name"),
        ({"backend/Pipfile": "", "backend/Pipfile.lock": ""}, "It has backend/Pipfile.lock: name"),
        ({"backend/Pipfile": ""}, "It has backend/Pipfile: run `pipenv lock`"),
        *(
            ({f"backend/{lock}": ""}, f"It has backend/{lock}: name")
            for lock in ("poetry.lock", "pdm.lock", "uv.lock", "pylock.toml", "pylock.web.toml")
        ),
        ({"pyproject.toml": "[tool.poetry.dependencies]\ndjango = '*'"}, "It has pyproject.toml: .*run `poetry lock`"),
    ],
)
def test_what_lies_there_is_named(tmp_path, write, files, said):
    with pytest.raises(RequirementsError, match=rf"(?s)gunicorn_requirements_file .*{said}"):
        finding.refuse_unread(str(write(tmp_path, files)), ".")


def test_an_app_may_need_nothing(tmp_path, write):
    files = {"app.py": "", "docs/requirements.txt": "", "tests/requirements.txt": "", "pyproject.toml": "[tool.ruff]"}
    files |= {"a/b/requirements.txt": "", "web/tests/requirements/ci.txt": "", "tests/requirements/ci.txt": ""}
    finding.refuse_unread(str(write(tmp_path, files)), ".")
