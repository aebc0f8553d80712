# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first step of a role on a host: whether it can be done there, and what the host lacks. Private to the collection."""

from __future__ import annotations

import glob
import os
import pwd

from ansible_collections.pyweb.stack.plugins.module_utils._host import machine
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError

# The first version of each distribution that has what the roles need.
_OLDEST = {"debian": (12,), "ubuntu": (22, 4)}
_TESTED = ("12", "13")
_VALKEY = "valkey-tools"
_UNITS = "/etc/systemd/system/gunicorn-*@*.service"


def run(module: Module, params: dict) -> dict:
    """Refuse a host, account or folder that can't be used; return what has to be made or installed first, C(lacks)."""
    if os.geteuid() != 0:
        module.fail_json(msg=f"The role {params['role']} needs root: set become: true on the play or the role.")
    if params["account"]:
        _refuse_host(module)
    if params["store"]:
        try:
            Store(**params["store"]).refuse_others()
        except StoreError as error:
            module.fail_json(msg=str(error))
    lacks = {}
    if params["account"] and not _there(module, params["role"], **params["account"]):
        lacks["account"] = params["account"]["name"]
    missing = machine.not_installed(params["packages"])
    if missing:
        _refuse_valkey(module, missing)
        lacks["packages"] = missing
        lacks["lists"] = not machine.knows_packages()
        lacks["ipv6"] = not machine.has_ipv6()
        # A run has fresh lists, and apt itself says it.
        for name in machine.unknown_packages(missing) if module.check_mode else ():
            module.warn(
                f"no list of packages on the host has {name!r}, so a run would fail: look at its spelling in gunicorn_packages, "
                "and whether this Debian has it; with lists that are out of date, run apt-get update on the host"
            )
    return {"changed": False, "lacks": lacks}


def _refuse_host(module: Module) -> None:
    system = machine.system()
    if not (_new_enough(system) and machine.runs_systemd()):
        module.fail_json(
            msg=f"The host is {system.name}{'' if machine.runs_systemd() else ' without systemd'}, "
            "but must be Debian 12 or newer, or of its family, running systemd."
        )
    # What one app runs with here the next one can.
    if not glob.glob(_UNITS) and not machine.can_sandbox():
        module.fail_json(
            msg="The host is a container in which systemd can't give a service a sandbox (226/NAMESPACE), so no app could "
            "start: allow it nesting (Proxmox: pct set ID --features nesting=1; Incus and LXD: security.nesting=true), then "
            "restart it and run again."
        )
    if system.id != "debian" or system.version.split(".")[0] not in _TESTED:
        module.warn(f"this role is tested on Debian 12 and 13, not on {system.name}")


def _refuse_valkey(module: Module, missing: list[str]) -> None:
    """Say it of the one program that the oldest Debian lacks, before anything is installed."""
    system = machine.system()
    if _VALKEY not in missing or system.id != "debian" or system.version.split(".")[0] != "12":
        return
    if not machine.knows_packages() or machine.unknown_packages([_VALKEY]):
        module.fail_json(
            msg="database_cache is 'valkey', but Debian 12 has none: set it to redis, or give the host a repository that has "
            f"{_VALKEY}, and run apt-get update."
        )


def _new_enough(system: machine.System) -> bool:
    if "debian" not in (system.id, *system.like):
        return False
    # Debian's next one has no version yet.
    version = tuple(int(part) for part in system.version.split(".") if part.isdigit())
    return not version or version >= _OLDEST.get(system.id, ())


def _there(module: Module, role: str, name: str, mark: str, anybodys: bool) -> bool:
    """Return whether an account is there; refuse one that the app can't have."""
    variable, user = ("database_app", "database_user") if role == "database" else ("gunicorn_name", "gunicorn_user")
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return False
    if found.pw_uid == 0:
        module.fail_json(msg=f"{user} is {name!r}, which is root: name another account, or leave it out.")
    if not anybodys and found.pw_gecos != mark:
        module.fail_json(
            msg=f"{variable} is {name!r}, but an account of that name is there that this role did not make: "
            f"choose another name, or allow its use with {user}."
        )
    return True


STEP = Step(
    prefix="",
    options={
        "role": {"type": "str", "required": True},
        "packages": {"type": "list", "elements": "str", "default": []},
        # Where the app will be.
        "store": {
            "type": "dict",
            "options": {"root": {"type": "path", "required": True}, "name": {"type": "str", "required": True}},
        },
        "account": {
            "type": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "mark": {"type": "str", "required": True},
                "anybodys": {"type": "bool", "default": False},
            },
        },
    },
    run=run,
)
