# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one instance to the next: start, prove, switch, drain. Private to the collection.

The order is the whole point. The candidate starts beside the old instance on a socket of its own; it is asked over
HTTP while its unit and its workers are watched; one rename then makes it the serving one; and the old one is stopped
only when nobody waits on its socket any more. Every other order loses requests (docs/how-it-works.md).
"""

from __future__ import annotations

import os

from ansible_collections.pyweb.stack.plugins.module_utils import _systemd
from ansible_collections.pyweb.stack.plugins.module_utils._instance import Health, Instance, Refused
from ansible_collections.pyweb.stack.plugins.module_utils._store import Store


class Handover:
    """Lets one release of an app take over from whatever runs, in the app's locked I(store)."""

    def __init__(self, store: Store, app: str, drain_timeout: float, keep_releases: int):
        self._store = store
        self._app = app
        self._drain_timeout = drain_timeout
        self._keep_releases = keep_releases

    def needed(self, release: str | None) -> bool:
        """Say whether run would change anything for visitors."""
        return not release or self._store.current() != release or not Instance(self._app, release).active()

    def run(self, release: str, health: Health) -> dict:
        """Bring I(release) to serve, then clear away the rest. Returns C(changed), C(answer), C(cut).

        Raises Refused, with the old release still serving.
        """
        if not os.path.isdir(self._store.item("releases", release)):
            raise Refused(f"there is no release {release} of the app {self._app}")
        result = {"changed": False, "answer": "", "cut": 0}
        if self.needed(release):
            result.update(changed=True, answer=self._take_over(release, health))
        result["changed"] |= self._keep_for_boot()
        for other in sorted(_systemd.loaded_instances(self._app) - {release}):
            result["changed"] = True
            result["cut"] += Instance(self._app, other).drain(self._drain_timeout)
        for gone in self._store.prune(self._keep_releases):
            result["changed"] = True
            name = _systemd.instance(self._app, gone)
            _systemd.remove([f"{name}.service", f"{name}.socket"])
        return result

    def _take_over(self, release: str, health: Health) -> str:
        before = self._store.current()
        candidate = Instance(self._app, release)
        try:
            candidate.start()
            answer = candidate.prove(health, self._store.release(release)["plan"]["workers"])
        except (Refused, _systemd.SystemdError) as refusal:
            journal = candidate.journal().strip()
            if before != release:
                candidate.discard()
                self._store.record("refused", release, reason=str(refusal))
            raise Refused(self._explain(release, before, refusal, journal)) from refusal
        if before != release:
            self._store.switch(release)
            self._store.record("serves", release, previous=before)
        return answer

    def _explain(self, release: str, before: str | None, refusal: Exception, journal: str) -> str:
        if before == release:
            outcome = "it is the one that nginx goes to, and systemd goes on trying to start it"
        elif before:
            outcome = f"release {before} serves on, untouched"
        else:
            outcome = "no release served before, so none does now"
        return (
            f"release {release} of the app {self._app} did not prove itself: {refusal}; {outcome}. "
            f"Its folder stays for a look: {self._store.item('releases', release)}. It last wrote:\n{journal}"
        )

    def _keep_for_boot(self) -> bool:
        """Have systemd start at boot what C(current) names."""
        unit = f"gunicorn-{self._app}.service"
        changed = bool(_systemd.install({unit: _systemd.starter_unit(self._app, self._store.path)}))
        if _systemd.show(unit, "UnitFileState")["UnitFileState"] != "enabled":
            _systemd.require("enable", "--quiet", unit)
            changed = True
        if _systemd.show(unit, "ActiveState")["ActiveState"] != "active":
            _systemd.require("start", unit)
            changed = True
        return changed
