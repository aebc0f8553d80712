# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a site that somebody changed by hand, by the module on a real nginx."""

from __future__ import annotations

import os
import shutil
from unittest import mock

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import edits, server


@pytest.fixture
def path(host, site):
    """Return the file of a site that is there."""
    assert "by hand" not in str(site(error_pages={502: "<p>Sorry</p>"})["warnings"])
    return host.etc / "sites-available/default"


def test_what_somebody_wrote_is_told_when_it_goes(path, site):
    ours = path.read_text()
    path.write_text(ours.replace("server_tokens off;", "server_tokens on;") + "add_header X-Mine 1;\n")
    given = {"error_pages": {502: "<p>Sorry</p>"}, "client_max_body_size": "20m"}
    foretold = site(**given, check=True)
    done = site(**given)
    assert done["changed"]
    assert done["warnings"] == foretold["warnings"]
    (said,) = done["warnings"]
    assert said == (
        f"{path} was changed by hand, and is again as the role has it with this run: 'server_tokens on;' goes, "
        "'server_tokens off;' comes back, 'add_header X-Mine 1;' goes. Lines of your own are for nginx_site_extra, a "
        "certificate for nginx_site_tls."
    )
    again = site(**given)
    assert (again["changed"], again["warnings"]) == (False, [])


def test_of_much_a_little_is_told(path, site):
    path.write_text(path.read_text() + "".join(f"# {number}\n" for number in range(9)))
    (said,) = site(error_pages={502: "<p>Sorry</p>"})["warnings"]
    assert "'# 5' goes, and 3 more lines. Lines" in said


def test_a_page_and_users_are_told_of_by_their_own_variables(host, site):
    hashed = f"$6$salt$.{'x' * 85}"
    users = {"ops": hashed, "dev": hashed}
    given = {"error_pages": {502: "<p>Sorry</p>"}, "auth": {"users": users}}
    assert site(**given)["changed"]
    (host.etc / "gunicorn-shop-502.html").write_text("<p>By hand</p>")
    (host.etc / "gunicorn-shop.users").write_text(f"ops:{hashed[:-1]}y\ndev:{hashed}\n")
    page, who = sorted(site(**given)["warnings"])
    assert "502.html was changed by hand" in page
    assert "nginx_site_error_pages" in page
    assert "'ops:(hidden, another)' goes" in who
    assert "nginx_site_auth" in who
    assert "$6$" not in who


def test_what_goes_with_the_site_is_told(path, site):
    path.write_text(path.read_text().replace("server_tokens off;", "") + "# mine\n")
    (said,) = site(state="absent")["warnings"]
    # What is there then is Debian's.
    assert f"{path} was changed by hand, and goes with this run: '# mine' goes. Lines of" in said
    assert os.listdir(edits._FOLDER) == []
    assert site(state="absent")["warnings"] == []


def test_a_default_site_that_gets_names_is_debians_again(path, site):
    path.write_text(path.read_text().replace("server_tokens off;", ""))
    (said,) = [each for each in site(server_names=["a.example.com"])["warnings"] if "by hand" in each]
    assert f"{path} was changed by hand, and goes with this run. Lines of" in said


def test_a_site_that_moves_takes_nothing_along(path, site):
    given = {"server_names": ["a.example.com"]}
    site(**given)
    named = path.with_name("gunicorn-shop")
    named.write_text(named.read_text() + "# mine\n")
    (said,) = [each for each in site()["warnings"] if "by hand" in each]
    assert f"{named} was changed by hand, and goes with this run: '# mine' goes" in said


def test_of_a_site_of_an_earlier_version_nothing_is_known(path, site):
    shutil.rmtree(edits._FOLDER)
    path.write_text(path.read_text() + "# of an earlier version\n")
    first = site()
    assert (first["changed"], first["warnings"]) == (True, [])
    shutil.rmtree(edits._FOLDER)
    # It is taken up without a change.
    assert not site()["changed"]
    path.write_text(path.read_text() + "# mine\n")
    assert "'# mine' goes" in str(site()["warnings"])


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("step", ["install", "make_ready"])
def test_what_a_run_wrote_that_was_killed_is_nobodys(path, site, monkeypatch, step, known):
    if not known:
        shutil.rmtree(edits._FOLDER)
    with monkeypatch.context() as patch:
        patch.setattr(server, step, mock.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            site(client_max_body_size="20m")
    assert site(client_max_body_size="30m")["warnings"] == []


def test_others_can_not_read_what_is_known(path):
    for place in (edits._FOLDER, f"{edits._FOLDER}/shop.json"):
        assert os.stat(place).st_mode & 0o077 == 0
