# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app stands still for a while, and who comes meanwhile waits on its socket. Private to the collection.

Each instance takes a lock before it starts (`flock` in its unit). Whoever has that for himself alone keeps them all in line,
whatever starts them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import re
import threading
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release.unit_files import STATE
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Instance, Refused

# Seconds beyond those of the drain for the lock, which is free as soon as the last process of the app has ended.
_MARGIN = 30
_RUNS = "activating,active,reloading"
# Of the units beside the instances, those that start nothing of the app's own, and this one's commands.
_OTHER = re.compile(r"gunicorn-\w+-(?:tcp\.|relay@|run-|build-|command-)")


@dataclasses.dataclass(frozen=True)
class Stillness:
    """What it took: how many connections were `cut`, and which units `beside` the web process stand still."""

    cut: int
    beside: tuple[str, ...]


@contextlib.contextmanager
def still(app: str, release: str, drain_timeout: float) -> Iterator[Stillness]:
    """Have the app do nothing, what runs beside its release included; yield what that took.

    Then all that ran runs again. Raises Refused where it does not end, or not start again.
    """
    instance = Instance(app, release)
    beside, ending = _beside(app, _RUNS), _beside(app, "deactivating")
    served = systemd.active(instance.service)
    lock = os.open(STATE.format(app), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Those that are told to end already still do what they have in hand, such as a worker of the release before.
        systemd.ctl("stop", *beside, *ending)
        # It has to wait for the lock before that is free, or what somebody's request starts would be quicker.
        taking = threading.Thread(target=fcntl.flock, args=(lock, fcntl.LOCK_EX), daemon=True)
        taking.start()
        cut = instance.end(drain_timeout) if served else 0
        taking.join(drain_timeout + _MARGIN)
        if taking.is_alive():
            raise Refused(f"something of the app {app} does not end: systemctl status 'gunicorn-{app}*' says what")
        yield Stillness(cut, tuple(beside))
    finally:
        os.close(lock)
        if served:
            instance.start()
        systemd.ctl("start", "--no-block", *beside)
    if served and systemd.ctl("start", instance.service).returncode:
        raise Refused(f"the app {app} does not start again: journalctl --unit={instance.service} says why")


def _beside(app: str, states: str) -> list[str]:
    """Return what there is beside an app's instances in these states: its other processes, and its timers."""
    names = [unit["unit"] for unit in systemd.listed(f"--state={states}", f"gunicorn-{app}-*")]
    # What starts others has to end first.
    found = [name for name in names if name.endswith((".service", ".timer")) and not _OTHER.match(name)]
    return sorted(found, key=lambda name: not name.endswith(".timer"))
