# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes with an app and what stays; systemd's command and the accounts' only note what they are asked."""

from __future__ import annotations

import json
import os
import pwd

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError
from ansible_collections.pyweb.stack.plugins.module_utils._serving import removal
from ansible_collections.pyweb.stack.plugins.module_utils._serving.removal import Removal, RemovalError
from ansible_collections.pyweb.stack.plugins.module_utils._venv import uv
from ansible_collections.pyweb.stack.plugins.modules import gunicorn_removal

pytestmark = pytest.mark.usefixtures("as_root")

COMMENT = "App shop by pyweb.stack"
RELEASE = "0b1a2f3e4d5c"
SYSTEMCTL = """#!/bin/sh
echo "$@" >> {root}/asked
# Not sealed off from the app's folder: whoever is stopped last has to find what it names.
case "$*" in
  list-units*.slice) cat {root}/bin/slices ;;
  list-units*) echo '[{{"unit": "gunicorn-shop@{release}.service", "load": "loaded", "active": "active"}}]' ;;
  show*) echo ActiveState=active ;;
  stop*shop.service*) ls {root}/srv/shop/current {root}/units/gunicorn-shop.service >> {root}/there ;;
esac
"""


@pytest.fixture
def host(tmp_path, monkeypatch, write):
    """Return a host with the apps shop, which has an account, and blog."""
    write(
        tmp_path,
        {
            "bin/systemctl": SYSTEMCTL.format(root=tmp_path, release=RELEASE),
            "bin/userdel": f"#!/bin/sh\n[ ! -e {tmp_path}/busy ] || {{ echo it is busy >&2; exit 8; }}\n"
            f'echo "userdel $*" >> {tmp_path}/asked; touch {tmp_path}/no-account\n',
            # Also of an app whose name begins alike.
            "bin/slices": json.dumps(
                [
                    {"unit": rf"system-gunicorn\x2d{name}.slice", "load": "loaded", "active": "active"}
                    for name in ("shop", r"shop\x2drelay", "shop_two", r"shop_two\x2drelay")
                ]
            ),
            "state/db": "rows",
            "sockets/x.sock": "",
            "tools/uv": "",
        },
    )
    for program in (tmp_path / "bin").iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    for module, name, folder in (
        (systemd, "UNIT_FOLDER", "units"),
        (server, "ETC", "nginx"),
        (uv, "FOLDER", "tools"),
        (removal, "STATE", "state"),
        (removal, "_SOCKETS", "sockets"),
        (removal, "BACKUPS", "backups"),
    ):
        monkeypatch.setattr(module, name, str(tmp_path / folder))
    account = pwd.struct_passwd(("painter", "x", 999, 999, COMMENT, "/", "/usr/sbin/nologin"))
    other = pwd.struct_passwd(("messagebus", "x", 100, 100, "", "/nonexistent", "/usr/sbin/nologin"))
    monkeypatch.setattr(pwd, "getpwall", lambda: [other, *[account] * (not (tmp_path / "no-account").exists())])
    for app in ("shop", "blog"):
        _deploy(tmp_path, write, app)
    return tmp_path


def _deploy(host, write, app, writable="") -> Store:
    store = Store(str(host / "srv"), app)
    with store.locked("a test"):
        os.makedirs(store.item("releases", RELEASE), exist_ok=True)
        store.switch(RELEASE)
    service = f"{unit_files.MARK}\n[Service]\nUser={app}\nEnvironmentFile={store.path}/releases/%i/env\n{writable}"
    starter = unit_files.starter_unit(app, store.path, "")
    units = {
        f"gunicorn-{app}.service": starter,
        f"gunicorn-{app}-relay@.service": f"{unit_files.MARK}\n",
        f"gunicorn-{app}-tcp.service": f"{unit_files.MARK}\n",
        f"gunicorn-{app}-tcp.socket": unit_files.tcp_socket_unit(app, "127.0.0.1:9990"),
        f"gunicorn-{app}@{RELEASE}.service": service,
        f"gunicorn-{app}@{RELEASE}.socket": f"{unit_files.MARK}\n",
    }
    write(host / "units", units)
    write(host / "commands", {f"gunicorn-{app}": f"#!/usr/bin/python3\n{unit_files.MARK}\n"})
    return store


def _removal_of(host, app="shop", writable=(), purge=False, comment=COMMENT) -> Removal:
    return Removal(Store(str(host / "srv"), app), comment, list(writable), purge)


def _names(host, paths) -> set[str]:
    return {path.replace(f"{host}/", "") for path in paths}


def _there(host) -> set[str]:
    """Return what is there of what an app could take along."""
    folders = [
        *host.glob("units/*"),
        *host.glob("commands/*"),
        *host.glob("srv/*"),
        *host.glob("srv/.*"),
        *host.iterdir(),
    ]
    others = {"asked", "commands", "secrets", "there", "bin", "busy", "nginx", "srv", "units", "no-account"}
    return {str(path.relative_to(host)) for path in folders} - others


UNITS = {
    f"units/gunicorn-shop{each}"
    for each in (
        *(".service", "-relay@.service", "-tcp.service", "-tcp.socket"),
        *(f"@{RELEASE}.service", f"@{RELEASE}.socket"),
    )
}

COMMAND = "commands/gunicorn-shop"


def test_all_of_the_app_goes_but_state_and_whose_it_is(host):
    gone = _removal_of(host)
    before = _there(host)
    assert _names(host, gone.goes()) == {*UNITS, COMMAND, "sockets", "srv/shop"}
    assert _names(host, gone.stays()) == {"state", "account painter"}
    assert gone.fault() is None

    gone.run(5)
    assert before - _there(host) == {*UNITS, COMMAND, "sockets", "srv/shop"}
    assert (gone.goes(), _names(host, gone.stays())) == ([], {"state", "account painter"})


def test_purged_it_leaves_nothing_and_a_second_time_there_is_nothing_to_do(host):
    gone = _removal_of(host, purge=True)
    assert _names(host, gone.goes()) == {*UNITS, COMMAND, "sockets", "srv/shop", "state", "account painter"}
    gone.run(5)
    assert (gone.goes(), gone.stays()) == ([], [])
    assert {name for name in _there(host) if "blog" not in name} == {"tools"}


def test_state_that_was_kept_can_be_purged_later(host):
    _removal_of(host).run(5)
    later = _removal_of(host, purge=True)
    assert _names(host, later.goes()) == {"state", "account painter"}
    later.run(5)
    assert (later.goes(), later.stays()) == ([], [])


def test_backups_are_data_too(host):
    (host / "backups").mkdir()
    (host / "backups/1.dump").write_text("rows", encoding="utf-8")
    assert "backups" in _names(host, _removal_of(host).stays())
    _removal_of(host).run(5)
    assert (host / "backups/1.dump").exists()
    gone = _removal_of(host, purge=True)
    assert "backups" in _names(host, gone.goes())
    gone.run(5)
    assert not (host / "backups").exists()


def test_an_empty_state_is_none(host):
    (host / "state/db").unlink()
    assert _names(host, _removal_of(host).goes()) == {
        *UNITS,
        COMMAND,
        "sockets",
        "srv/shop",
        "state",
        "account painter",
    }


def test_the_tools_go_with_the_last_app(host):
    _removal_of(host, "blog", comment=None).run(5)
    assert {"tools"} <= _there(host)
    assert {"tools"} <= _names(host, _removal_of(host).goes())
    _removal_of(host).run(5)
    assert not {"tools"} & _there(host)


def test_what_stands_is_stopped_after_the_instances_and_while_it_can_be(host):
    _removal_of(host).run(5)
    asked = (host / "asked").read_text().splitlines()
    done = [line for line in asked if line.split()[0] in ("stop", "disable", "daemon-reload")]
    assert done[0] == f"stop gunicorn-shop@{RELEASE}.service gunicorn-shop@{RELEASE}.socket"
    assert {"gunicorn-shop.service", "gunicorn-shop-tcp.socket"} < set(done[1].split())
    assert done[2] == r"stop system-gunicorn\x2dshop.slice system-gunicorn\x2dshop\x2drelay.slice"
    assert done[3:] == ["disable --quiet gunicorn-shop.service", "daemon-reload"]
    assert str(host / "units/gunicorn-shop.service") in (host / "there").read_text()


@pytest.mark.parametrize("fails", ["_remove_units", "_tools"])
def test_a_run_that_was_killed_is_made_good_by_the_next(host, monkeypatch, fails):
    def kill(*_arguments):
        raise KeyboardInterrupt

    gone = _removal_of(host, purge=True)
    with monkeypatch.context() as patch:
        patch.setattr(Removal, fails, kill)
        with pytest.raises(KeyboardInterrupt):
            gone.run(5)
    assert gone.fault() is None
    gone.run(5)
    assert (gone.goes(), gone.stays()) == ([], [])


def test_a_folder_that_was_half_gone_goes(host):
    (host / "srv/shop").rename(host / "srv/.gone-shop")
    gone = _removal_of(host, purge=True)
    assert "srv/.gone-shop" in _names(host, gone.goes())
    gone.run(5)
    assert (gone.goes(), gone.stays()) == ([], [])


def test_an_account_stays_as_long_as_a_folder_is_its(host, write):
    files = host / "files"
    files.mkdir()
    _deploy(host, write, "shop", writable=f"ReadWritePaths={files} /no/such/folder\n")
    gone = _removal_of(host, writable=[str(files)], purge=True)
    assert gone.stays() == [str(files), "account painter"]
    gone.run(5)
    assert (gone.goes(), gone.stays()) == ([], [str(files), "account painter"])
    assert files.is_dir()
    files.rmdir()
    assert gone.goes() == ["account painter"]


def test_a_folder_that_only_the_units_know_is_told(host, write):
    (host / "files").mkdir()
    _deploy(host, write, "shop", writable=f"ReadWritePaths={host}/files\n")
    assert f"{host}/files" in _removal_of(host).stays()
    # The next run could not know any more whose it is.
    assert f"may write to {host}/files, which stays, and so must its account" in _removal_of(host).fault()
    assert _removal_of(host, comment="Painter").fault() is None


@pytest.mark.parametrize("unit", ["gunicorn-blog@2.service", "jobs.service"])
def test_an_account_that_another_service_has_stays(host, write, unit):
    write(host / "units", {unit: "[Service]\nUser=painter\n"})
    (host / "units/theirs.service").write_bytes("# für andere\n".encode("latin-1"))
    assert _removal_of(host, purge=True).stays() == ["account painter"]


def test_an_account_that_is_busy_is_a_fault_and_goes_later(host):
    (host / "busy").touch()
    gone = _removal_of(host, purge=True)
    with pytest.raises(RemovalError, match="the account painter can't go: it is busy; run again when that is repaired"):
        gone.run(5)
    (host / "busy").unlink()
    gone.run(5)
    assert gone.goes() == []


@pytest.mark.parametrize("comment", [None, "", "App sho by pyweb.stack", "Painter"])
def test_an_account_that_was_not_made_for_the_app_is_none_of_it(host, comment):
    gone = _removal_of(host, purge=True, comment=comment)
    assert not [each for each in [*gone.goes(), *gone.stays()] if each.startswith("account")]
    gone.run(5)
    assert "userdel" not in (host / "asked").read_text()


def test_an_app_that_is_not_there(host, write):
    write(host / "units", {"gunicorn-gallery.service": "[Service]\nExecStart=/bin/true\n"})
    for folder in ("state/db", "state", "sockets/x.sock", "sockets"):
        path = host / folder
        (path.rmdir if path.is_dir() else path.unlink)()
    gone = _removal_of(host, "gallery", purge=True, comment=None)
    assert (gone.goes(), gone.stays(), gone.fault(), gone.sites()) == ([], [], None, None)


def test_apps_whose_names_begin_alike(host, write):
    write(
        host / "units",
        {"gunicorn-shop-tcp.service.d/own.conf": "", "gunicorn-shop_two.service": f"{unit_files.MARK}\n"},
    )
    assert _names(host, _removal_of(host).goes()) == {*UNITS, COMMAND, "sockets", "srv/shop"}


def test_a_folder_that_somebody_else_made_is_refused(host):
    (host / "srv/gallery").mkdir()
    assert "was not made by this role, so it stays" in _removal_of(host, "gallery").fault()


def test_an_app_in_another_root_is_refused_with_its_name(host, tmp_path):
    gone = Removal(Store(str(tmp_path / "elsewhere"), "shop"), None, [], False)
    assert gone.fault() == f"gunicorn_root is '{host}/elsewhere', but the app shop is in '{host}/srv': use that"


def test_state_behind_a_link_is_not_purged(host):
    (host / "state").rename(host / "disk")
    (host / "state").symlink_to(host / "disk")
    assert f"is a link to {host}/disk: remove both yourself" in _removal_of(host, purge=True).fault()
    assert _removal_of(host).fault() is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("server {{ root {root}/srv/shop/current/static; }}", True),
        ("upstream own {{ server 127.0.0.1:9990; }}", True),
        ("server {{ root {root}/srv/blog/current/static; }}\n# not {root}/srv/shop/current/app.sock", False),
        ("upstream other {{ server 127.0.0.1:99901; }}", False),
    ],
)
def test_a_site_that_leads_to_the_app_is_named(host, write, text, found):
    write(
        host / "nginx", {"conf.d/own.conf": text.format(root=host), "sites-available/shop": f"{host}/srv/shop/current/"}
    )
    (host / "nginx/sites-enabled").mkdir()
    (host / "nginx/sites-enabled/dangling").symlink_to("nowhere")
    said = _removal_of(host).sites()
    assert bool(said) == found
    assert not said or f"by {host}/nginx/conf.d/own.conf: remove the site first" in said


def test_a_run_that_waited_for_the_removal_says_so(host):
    store = Store(str(host / "srv"), "shop")
    adopt = store._adopt
    # As if the folder went between the look at it and the lock.
    store._adopt = lambda: (adopt(), (host / "srv/shop/key").unlink())
    with (
        pytest.raises(StoreError, match="the app shop was removed during this run; run again"),
        store.locked("deploying"),
    ):
        pass


def test_a_command_of_somebody_else_stays(host):
    (host / COMMAND).write_text("#!/bin/sh\n")
    gone = _removal_of(host)
    assert COMMAND not in _names(host, gone.goes())
    gone.run(5)
    assert (host / COMMAND).exists()


def test_secrets_that_the_host_made_go_with_what_the_app_wrote(host, write):
    write(host / "secrets", {"gunicorn-shop.secrets": 'SECRET_KEY="x"\n', "gunicorn-blog.secrets": ""})
    kept, purged = _removal_of(host), _removal_of(host, purge=True)
    secrets = "secrets/gunicorn-shop.secrets"
    assert (secrets in _names(host, kept.goes()), secrets in _names(host, kept.stays())) == (False, True)
    assert (secrets in _names(host, purged.goes()), secrets in _names(host, purged.stays())) == (True, False)
    kept.run(5)
    assert (host / secrets).exists()
    purged.run(5)
    assert os.listdir(host / "secrets") == ["gunicorn-blog.secrets"]


def test_timers_go_first_and_processes_are_given_their_time(host, write):
    worker, tidy = f"gunicorn-shop-worker@{RELEASE}.service", f"gunicorn-shop-tidy-job@{RELEASE}.service"
    timer = f"{unit_files.MARK}\n\n[Install]\n"
    names = (worker, tidy, "gunicorn-shop-tidy.service", "gunicorn-shop-processes.service")
    write(host / "units", {"gunicorn-shop-tidy.timer": timer, **dict.fromkeys(names, f"{unit_files.MARK}\n")})
    systemctl = host / "bin/systemctl"
    loaded = f'{{"unit": "{worker}", "load": "loaded", "active": "active"}}'
    systemctl.write_text(systemctl.read_text().replace('"active"}]', f'"active"}}, {loaded}]'))
    gone = _removal_of(host)
    assert {f"units/{name}" for name in (*names, "gunicorn-shop-tidy.timer")} < _names(host, gone.goes())
    gone.run(5)
    asked = [line for line in (host / "asked").read_text().splitlines() if line.split()[0] in ("stop", "disable")]
    web = f"stop gunicorn-shop@{RELEASE}.service gunicorn-shop@{RELEASE}.socket"
    assert asked[:4] == [
        "disable --quiet --now gunicorn-shop-tidy.timer",
        f"stop --no-block {worker}",
        web,
        f"stop {worker}",
    ]
    assert not list(host.glob("units/gunicorn-shop*"))


@pytest.fixture
def played(host, capsys, monkeypatch):
    """Play the module and return its result."""
    # Where the tests run is no folder that an app may have.
    monkeypatch.setattr(variable_rules, "faults", lambda _variables: [])

    def played(check=False, **given) -> dict:
        options = {
            "name": "shop",
            "root": f"{host}/srv",
            "account_comment": COMMENT,
            "_ansible_check_mode": check,
            **given,
        }
        with patch_module_args(options), pytest.raises(SystemExit):
            gunicorn_removal.main()
        return json.loads(capsys.readouterr().out)

    return played


def test_the_module_foretells_what_it_does_and_does_it_once(host, played):
    before = _there(host)
    foretold = played(check=True)
    assert _there(host) == before
    done = played()
    assert done == foretold
    assert _names(host, done["removed"]) == {*UNITS, COMMAND, "sockets", "srv/shop"}
    assert _names(host, done["kept"]) == {"state", "account painter"}
    assert done["diff"] == {"before": "".join(f"{path}\n" for path in done["removed"]), "after": ""}
    again = played()
    assert (done["changed"], again["changed"], again["removed"]) == (True, False, [])


def test_the_module_leaves_an_app_that_visitors_are_brought_to(host, played, write):
    write(host / "nginx", {"conf.d/own.conf": f"server {{ root {host}/srv/shop/current/static; }}"})
    before = _there(host)
    assert "remove the site first" in played()["msg"]
    # In check mode the role that removes it may not have run.
    assert played(check=True)["changed"]
    assert _there(host) == before


def test_the_module_says_what_it_can_t_remove(host, played, write):
    (host / "busy").touch()
    assert "the account painter can't go: it is busy" in played(purge=True)["msg"]
    write(host / "srv/blogs", {"key": "somebody's"})
    assert "was not made by this role" in played(name="blogs")["msg"]


def test_the_module_tells_how_many_were_cut(played, monkeypatch):
    warned = []
    monkeypatch.setattr(gunicorn_removal.Module, "warn", lambda _module, text: warned.append(text))
    monkeypatch.setattr(removal.Instance, "close", lambda _instance, _timeout: 3)
    assert played(drain_timeout=7)["cut"] == 3
    assert warned == [
        "3 connections to the app were closed because they were still open after gunicorn_drain_timeout, 7 s"
    ]
