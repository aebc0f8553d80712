# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lines of requirements files say."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._venv import requirements


@pytest.mark.parametrize(
    ("requirement", "local"),
    [
        (".", True),
        (".[web]", True),
        ("-e .", True),
        ("--editable=./libs/shop", True),
        ("./libs/shop", True),
        ("libs/shop", True),
        ("vendor/shop-1.0-py3-none-any.whl", True),
        ("shop @ file:libs/shop", True),
        ("shop @ ./libs/shop", True),
        ("--find-links vendor", True),
        ("-e file:///srv/libs/shop", True),
        ("shop[web] @ vendor", True),
        ("-e \\\n  ./libs/shop", True),
        ("shop", False),
        ("shop>=1.0  # see docs/install.md", False),
        ("# ./libs/shop", False),
        ("shop @ https://example.com/shop-1.0.tar.gz", False),
        ("shop @ git+https://git.example.com/a/shop.git@v1", False),
        ("-r more/base.txt", False),
        ("-e git+https://git.example.com/a/shop.git", False),
        ("--find-links https://example.com/wheels/", False),
        ("shop \\\n  --hash=sha256:00", False),
        ("--index-url https://pypi.example.com/simple/", False),
    ],
)
def test_what_is_installed_from_a_path(requirement, local):
    assert any(map(requirements.is_local, requirements.lines(f"django\n{requirement}\n"))) is local


def test_lines_are_read_as_pip_does():
    text = "# a\n\n django  # b\nshop==1.0 \\\n  --hash=sha256:00 \\\n  --hash=sha256:11\nhttps://a.example/#egg=a\n"
    got = [" ".join(line.split()) for line in requirements.lines(text)]
    assert got == ["django", "shop==1.0 --hash=sha256:00 --hash=sha256:11", "https://a.example/#egg=a"]


@pytest.mark.parametrize(
    ("line", "old"),
    [
        ("gunicorn==20.1.0", True),
        ("gunicorn[gevent] == 22.0", True),
        ("gunicorn>=20,<21", True),
        ("gunicorn<23", True),
        ("gunicorn<23.0.0", True),
        ("gunicorn<=22.0.0", True),
        ("gunicorn~=21.2", True),
        ("gunicorn==22.*", True),
        ("gunicorn", False),
        ("gunicorn>=20", False),
        ("gunicorn==23.0.0 --hash=sha256:00", False),
        ("gunicorn<23.0.1", False),
        ("gunicorn~=23.0", False),
        ("gunicorn<24", False),
        # Perhaps it isn't for this Python.
        ("gunicorn==20.1.0 ; python_version < '3.7'", False),
    ],
)
def test_a_gunicorn_that_is_too_old(line, old):
    assert requirements.is_too_old(line) is old


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_as_editors_write_it(tmp_path, encoding):
    (tmp_path / "requirements.txt").write_bytes("django  # für uns\r\ngunicorn\r\n".encode(encoding))
    _name, text = requirements.read(f"{tmp_path}/requirements.txt", str(tmp_path))
    assert list(requirements.lines(text)) == ["django", "gunicorn"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("shop @ git+ssh://git@git.example/of/shop.git", [("ssh://git@git.example/of/shop.git", "")]),
        ("-e git+ssh://git.example:22/shop@feature/x#egg=shop", [("ssh://git.example:22/shop", "feature/x")]),
        ("shop @ git+ssh://git@git.example/shop.git@v1#subdirectory=a ; os_name == 'x'", [("ssh://git@git.example/shop.git", "v1")]),
        ("shop @ git+https://git.example/shop.git", []),
        ("shop @ git+ssh://-oProxyCommand=evil/shop.git", []),
        ('shop @ git+ssh://git@git.example/a"b.git', [("ssh://git@git.example/a", "")]),
        ("ssh://git@git.example/shop.git", []),
    ],
)  # fmt: skip
def test_repositories_that_are_reached_by_ssh(line, found):
    assert list(requirements.repositories(line)) == found


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("-e git+https://git.example/shop.git@v1#egg=shop", "git+https://git.example/shop.git@v1#egg=shop"),
        ("  --editable=git+ssh://git.example/shop", "  git+ssh://git.example/shop"),
        ("-e ./libs/shop", "-e ./libs/shop"),
        ("# -e git+https://git.example/shop.git", "# -e git+https://git.example/shop.git"),
    ],
)
def test_nobody_edits_a_repository_where_an_app_is_deployed(line, plain):
    assert requirements.without_edits(f"django\n{line}\nclick") == f"django\n{plain}\nclick"


@pytest.mark.parametrize("line", ["-e", "--find-links=", "x @", "-e  "])
def test_a_place_that_is_missing_is_for_the_installer_to_tell(line):
    assert requirements.local_place(line) == ""
