# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof of a configuration for a unit that the user writes. Private to the collection.

Of that unit nothing is known, so the proof runs in the sandbox of the collection's own: what passes there passes without.
"""

from __future__ import annotations

import dataclasses
import grp
import os
import pwd

from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import proof
from ansible_collections.pyweb.stack.plugins.module_utils._host import files, scratch, shell, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release import env_file, unit_files, unit_overrides
from ansible_collections.pyweb.stack.plugins.module_utils._venv import builder

# The unit has a state folder of its own, if any.
_OF_RELEASES = ("StateDirectory", "StateDirectoryMode")


class OwnUnitError(Exception):
    """The proof can't be made here; the message says why."""


@dataclasses.dataclass(frozen=True)
class Unit:
    """What is known of the user's own unit.

    Its `user`, its working directory `chdir`, the interpreter `python` of its virtual environment, the app `wsgi_app`,
    its environment `env`, the folders that it may write, `writable_paths`, the properties that take the place of the
    sandbox's own, `unit`, and `dest`, the file where its configuration is.
    """

    user: str
    dest: str
    python: str
    wsgi_app: str
    chdir: str = "/"
    env: dict[str, str] = dataclasses.field(default_factory=dict)
    writable_paths: list[str] = dataclasses.field(default_factory=list)
    unit: dict = dataclasses.field(default_factory=dict)


def prove(content: str, unit: Unit) -> None:
    """Have gunicorn check `content`, a configuration, as that unit would. Raises OwnUnitError, or ProofError with all faults."""
    user, owner = unit.user, account(unit.user)
    # In memory, since it holds secrets; the app may pass through to its configuration.
    with scratch.folder() as folder:
        os.chmod(folder, 0o711)
        files.create(f"{folder}/gunicorn.conf.py", content, 0o644)
        files.create(f"{folder}/env", env_file.render(unit.env), 0o600)
        argv = proof.command(unit.python, f"{folder}/gunicorn.conf.py", load=True)
        try:
            done = systemd.run(user, _properties(folder, owner, unit), argv, proof.SECONDS)
        except shell.Overdue as error:
            raise OwnUnitError(
                f"wsgi_app is {unit.wsgi_app!r}, which was not loaded within {proof.SECONDS} s: it may wait for what isn't "
                "there, such as a database"
            ) from error
    if done.returncode in systemd.NOT_STARTED:
        raise OwnUnitError(
            f"systemd can't start {unit.python} in {unit.chdir} for the proof (exit status "
            f"{done.returncode}); gunicorn_unit and gunicorn_writable_paths can change its sandbox: {done.stderr.strip()}"
        )
    proof.in_force(done, unit.wsgi_app, unharmed=f"{unit.dest} is as it was")


def account(user: str) -> pwd.struct_passwd:
    """Return the account as which the unit runs. Raises OwnUnitError where nothing can be proved as that one."""
    if os.geteuid() != 0 or not os.path.isdir("/run/systemd/system"):
        raise OwnUnitError(
            "gunicorn_user is given, but to prove the file as that account takes root and a host that runs systemd: set "
            "become: true, or leave it out, and the app is not loaded"
        )
    try:
        return pwd.getpwnam(user)
    except KeyError as error:
        raise OwnUnitError(f"gunicorn_user is {user!r}, but the target has no such account: make it first") from error


def _properties(folder: str, owner: pwd.struct_passwd, unit: Unit) -> list[tuple[str, str]]:
    venv = os.path.dirname(os.path.dirname(unit.python))
    os.symlink(venv, f"{folder}/venv")
    os.symlink(venv, f"{folder}/venvs")
    # A release has its code there, a unit of the user's own has it elsewhere.
    os.mkdir(f"{folder}/sources")
    service = unit_files.Service(
        app=owner.pw_name,
        user=owner.pw_name,
        group=grp.getgrgid(owner.pw_gid).gr_name,
        folder=folder,
        workdir=unit.chdir,
        socket_user=owner.pw_name,
        stop_timeout=0,
        writable=tuple(unit.writable_paths),
        overrides=tuple(unit_overrides.lines(unit.unit)),
        python=builder.foreign_python(venv),
    )
    properties = [line for line in service.properties(folder) if line[0] not in _OF_RELEASES]
    return [*properties, ("Environment", f'"HOME={owner.pw_dir}"')]
