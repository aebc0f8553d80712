# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which standing units an app has, and when that changes; systemd's command only notes what it is asked."""

from __future__ import annotations

import os

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._serving.front import Front

TCP = {"gunicorn-shop-tcp.service", "gunicorn-shop-tcp.socket"}
# A socket is active once it was started.
SYSTEMCTL = """#!/bin/sh
echo "$@" >> {root}/asked
case "$*" in
  start*tcp.socket) touch {root}/listens ;;
  stop*tcp.socket) rm -f {root}/listens; echo stopped >> {root}/stopped ;;
  enable*) rm -f {root}/disabled ;;
  show*)
    [ -e {root}/disabled ] && state=disabled || state=enabled
    printf '%s\\n' ActiveState=active UnitFileState=$state ''
    [ -e {root}/listens ] && echo ActiveState=active || echo ActiveState=inactive
    ;;
esac
"""

# It knows only what lies beside a unit, and an address that is too long.
ANALYZE = """#!/bin/sh
shift 2
cat "$@" | grep --quiet ListenStream=/run/any.sock || echo "gunicorn-shop-relay@any.service: no socket" >&2
! grep --with-filename ListenStream=.*99999 "$@" >&2
"""


@pytest.fixture
def front(tmp_path, monkeypatch, write):
    """Return a function that makes the front of an app with this fixed address."""
    write(tmp_path, {"bin/systemctl": SYSTEMCTL.format(root=tmp_path), "bin/systemd-analyze": ANALYZE})
    for program in (tmp_path / "bin").iterdir():
        program.chmod(0o755)
    (tmp_path / "units").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path / "units"))
    return lambda bind: Front("shop", "/srv/shop", bind)


def _look(front):
    return front.look(systemd.show_all(front.asked(), "ActiveState", "UnitFileState"))


def _set_up(front) -> list[bool]:
    seen = _look(front)
    return [front.differs(seen), front.install(seen) | front.listen(seen), front.differs(_look(front))]


def _fault(front) -> str | None:
    return front.fault(_look(front))


def test_a_second_run_changes_nothing_and_another_address_moves_it(front, tmp_path):
    units = tmp_path / "units"
    assert _set_up(front(None)) == [True, True, False]
    assert _set_up(front(None)) == [False, False, False]
    assert TCP & set(os.listdir(units)) == set()

    assert _set_up(front("127.0.0.1:9999")) == [True, True, False]
    assert _set_up(front("127.0.0.1:9999")) == [False, False, False]
    assert unit_files.fixed_address("shop") == "127.0.0.1:9999"
    assert (tmp_path / "listens").exists()

    assert _set_up(front("127.0.0.1:9998")) == [True, True, False]
    assert unit_files.fixed_address("shop") == "127.0.0.1:9998"

    assert _set_up(front(None)) == [True, True, False]
    assert unit_files.fixed_address("shop") is None
    assert TCP & set(os.listdir(units)) == set()
    assert not (tmp_path / "listens").exists()


def test_an_address_that_was_closed_is_opened_again(front, tmp_path):
    _set_up(front("127.0.0.1:9999"))
    (tmp_path / "listens").unlink()
    assert _set_up(front("127.0.0.1:9999")) == [True, True, False]


def test_units_that_systemd_refuses_are_a_fault_before_they_are_there(front, tmp_path):
    assert "gunicorn-shop-tcp.socket" in _fault(front("127.0.0.1:99999"))
    assert os.listdir(tmp_path / "units") == []
    assert _fault(front(None)) is None


def test_what_somebody_changed_is_seen_and_put_right(front, tmp_path):
    _set_up(front(None))
    assert (front(None).idle(_look(front(None))), front(None).edited(_look(front(None)))) == ([], [])
    (tmp_path / "disabled").touch()
    assert front(None).idle(_look(front(None))) == ["gunicorn-shop.service"]
    assert _set_up(front(None)) == [True, True, False]

    unit = tmp_path / "units/gunicorn-shop.service"
    text = unit.read_text()
    unit.write_text(f"{text}# mine\n")
    (part,) = front(None).edited(_look(front(None)))
    assert (part["before_header"], part["before"], part["after"]) == (str(unit), f"{text}# mine\n", text)
    assert _set_up(front(None)) == [True, True, False]


def test_its_own_address_is_no_fault(front, tmp_path, listening):
    assert "listens there already: choose another address" in _fault(front(listening))
    front(listening).listen(_look(front(listening)))
    assert _fault(front(listening)) is None
    assert _fault(front(None)) is None


def test_a_unit_that_somebody_else_made_is_refused(front, write, tmp_path):
    write(tmp_path / "units", {"gunicorn-shop.service": "[Service]\nExecStart=/opt/shop/bin/gunicorn\n"})
    assert "units/gunicorn-shop.service was not made by this role: move it away" in _fault(front(None))
    write(tmp_path / "units", {"gunicorn-shop.service": f"{unit_files.MARK}: edited\n"})
    assert _fault(front(None)) is None


def test_an_address_stays_open_where_only_the_rest_of_its_unit_changes(front, write, tmp_path):
    _set_up(front("127.0.0.1:9999"))
    socket = tmp_path / "units/gunicorn-shop-tcp.socket"
    socket.write_text(socket.read_text().replace("NoDelay=yes", "NoDelay=no"))
    (tmp_path / "stopped").unlink(missing_ok=True)
    assert _set_up(front("127.0.0.1:9999")) == [True, True, False]
    assert not (tmp_path / "stopped").exists()


def test_the_command_is_put_right_and_that_of_somebody_else_is_refused(front, write, tmp_path):
    _set_up(front(None))
    command = tmp_path / "commands/gunicorn-shop"
    text = command.read_text()
    assert os.access(command, os.X_OK)
    command.write_text(f"{text}# mine\n")
    (part,) = front(None).edited(_look(front(None)))
    assert (part["before_header"], part["before"], part["after"]) == (str(command), f"{text}# mine\n", text)
    assert _set_up(front(None)) == [True, True, False]
    command.chmod(0o644)
    assert _set_up(front(None)) == [True, True, False]
    command.write_text("#!/bin/sh\n")
    assert "commands/gunicorn-shop was not made by this role: move it away" in _fault(front(None))


def test_what_passes_connections_on_starts_anew_where_its_unit_changes(front, tmp_path):
    _set_up(front("127.0.0.1:9999"))
    proxy = tmp_path / "units/gunicorn-shop-tcp.service"
    proxy.write_text(proxy.read_text() + "Nice=5\n")
    _set_up(front("127.0.0.1:9999"))
    restart = "try-restart gunicorn-shop-tcp.service"
    assert (tmp_path / "asked").read_text().splitlines().count(restart) == 2
    _set_up(front("127.0.0.1:9999"))
    assert (tmp_path / "asked").read_text().splitlines().count(restart) == 2
