# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one instance to the next: start, prove, switch, drain. Private to the collection.

The order is the whole point, and every other one loses requests (docs/how-it-works.md):

  both may run at once      start the new | prove it | switch | drain the old
  only one may run          start the new, in line | end the old, whose socket holds who comes | prove | switch | drain

The candidate is asked over HTTP on a socket of its own while its unit and its workers are watched, one rename makes it
the serving one, and a socket is closed only when nobody waits on it any more.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, remedies, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release import env_file, unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, still_active
from ansible_collections.pyweb.stack.plugins.module_utils._serving import interpreters
from ansible_collections.pyweb.stack.plugins.module_utils._serving.assets import Assets
from ansible_collections.pyweb.stack.plugins.module_utils._serving.front import Front
from ansible_collections.pyweb.stack.plugins.module_utils._serving.health import Health
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Instance, Refused
from ansible_collections.pyweb.stack.plugins.module_utils._text import tracebacks
from ansible_collections.pyweb.stack.plugins.module_utils._venv import pythons


class Handover:
    """Lets one release of an app take over from whatever runs, in the app's locked `store`.

    All releases stay where `keep_releases` is None. The assets of the last `keep_assets` releases are served.
    """

    def __init__(
        self,
        store: Store,
        app: str,
        drain_timeout: float,
        keep_releases: int | None,
        bind: str | None,
        keep_assets: int = 3,
    ):
        self._store = store
        self._app = app
        self._drain_timeout = drain_timeout
        self._keep_releases = keep_releases
        self.front = Front(app, store.path, bind)
        self._assets = Assets(store, keep_assets)

    def needed(self, release: str | None) -> bool:
        """Say whether run would change anything."""
        if not release or not self._serves(release):
            return True
        assets = self._assets.missing(release) | self._assets.surplus(release)
        return self.front.differs() or bool(self._surplus(release) or assets)

    def diff(self, release: str | None, version: str, bind: str | None) -> list[dict]:
        """Return what run would change with `release`, which people call `version`, as Ansible shows it."""
        current = self._store.current()
        before = [f"{current} {self._store.release(current)['version']}"] if current else []
        after = [f"{release or '(not known yet)'} {version}"]
        for lines, address in ((before, unit_files.fixed_address(self._store.name)), (after, bind)):
            lines += [address] if address else []
        if release and current == release:
            instance = Instance(self._app, release)
            stopped = [instance.service] * (not instance.active()) + self.front.idle()
            before += [f"{unit}: stopped or disabled" for unit in stopped]
            after += [f"{unit}: running" for unit in stopped]
            before += [f"{other}: of no more use" for other in sorted(self._surplus(release))]
            before += [f"assets/{name}" for name in sorted(self._assets.surplus(release))]
            after += [f"assets/{name}" for name in sorted(self._assets.missing(release))]
        texts = ["".join(f"{line.strip()}\n" for line in lines) for lines in (before, after)]
        return [{"before": texts[0], "after": texts[1]}, *self.front.edited()]

    def fault(self) -> str | None:
        """Return what can be known to fail before anything changes, or None."""
        fault = self.front.fault()
        return fault and f"{fault}; {still_active(self._store.current())}"

    def run(self, release: str, health: Health, replaces: str | None = None, **told: object) -> dict:
        """Bring `release` to serve, then clear away the rest. Returns `changed`, `answer`, `cut`, `noted`.

        `replaces` is the release that served when whoever wants this began, empty where none did, and None where that
        makes no difference. `told` goes into the history. Raises StoreError where there is no such release, or Refused;
        the old one stays active.
        """
        fault = self._store.overtaken(release, replaces)
        if fault:
            raise Refused(fault)
        self._store.resolve(release)
        fault = self.fault() or self._unable(release)
        if fault:
            raise Refused(fault)
        # Before a page can name them; those of an earlier release stay for the pages that do.
        result: dict[str, Any] = {"changed": self._assets.add(release), "answer": "", "cut": 0, "noted": []}
        if not self._serves(release):
            result.update(changed=True, **self._take_over(release, health, told))
        result["changed"] |= self.front.install()
        for other in self._others(release):
            result["changed"] = True
            result["cut"] += other.drain(self._drain_timeout)
        surplus = self._store.surplus(self._keep_releases)
        for gone in surplus:
            result["changed"] = True
            name = systemd.instance(self._app, gone)
            systemd.remove([f"{name}.service", f"{name}.socket"])
        # Last, as it is known by its folder.
        self._store.prune(surplus)
        interpreters.prune()
        result["changed"] |= self._assets.prune(release)
        result["changed"] |= self.front.listen()
        return result

    def drop_ins(self, release: str) -> list[str]:
        """Return the files by which somebody else changes the units of a release."""
        return Instance(self._app, release).drop_ins()

    def _unable(self, release: str) -> str | None:
        """Return why a release that isn't active can't be, whatever its code does."""
        reason = pythons.fault(os.path.join(self._store.item("releases", release), "venv"))
        if reason is None or self._serves(release):
            return None
        return (
            f"release {release} can't be active again: {reason}; run the playbook without gunicorn_release, which builds a "
            "release for the Python that is there, or install that Python again"
        )

    def _serves(self, release: str | None) -> bool:
        if not release or self._store.current() != release:
            return False
        instance = Instance(self._app, release)
        return instance.active() and not instance.edited()

    def _overlaps(self, release: str) -> bool:
        """Say whether a release may run beside another; one of an earlier version, or whose folder is gone, says nothing."""
        return release not in self._store.names("releases") or self._store.release(release).get("overlap", True)

    def _surplus(self, release: str) -> set[str]:
        """Return the releases, and strays of killed runs, that go once `release` serves."""
        return {other.release for other in self._others(release)} | set(self._store.surplus(self._keep_releases))

    def _others(self, release: str) -> list[Instance]:
        """Return what else there is of the app: the instance that serves, and strays of killed runs."""
        return [Instance(self._app, other) for other in sorted(systemd.loaded_instances(self._app) - {release})]

    def _take_over(self, release: str, health: Health, told: dict) -> dict:
        before = self._store.current()
        candidate, others = Instance(self._app, release), self._others(release)
        overlap = all(self._overlaps(each.release) for each in (candidate, *others))
        cut, ended = 0, []
        try:
            if candidate.edited():
                candidate.renew()
            candidate.start()
            # An app can hold the lock for itself alone where it need not: then it has to end first as well.
            has_turn = candidate.line_up(health.timeout)
            if not (overlap and has_turn):
                ended = others
                # Strays first: as soon as the one that serves ends, its visitors have it started again, to stand in line.
                for other in sorted(others, key=lambda each: each.release == before):
                    cut += (
                        other.end(self._drain_timeout) if other.release == before else other.drain(self._drain_timeout)
                    )
            answer = candidate.prove(health, self._store.release(release)["in_force"])
            if before != release:
                # First, so that whatever ends this run here, the way back from the new release is known.
                self._store.history.record("serves", release, previous=before, answer=answer, **told)
                self._store.switch(release)
        except (Refused, systemd.SystemdError, OSError) as refusal:
            journal = candidate.journal().strip()
            if self._store.current() != release:
                candidate.discard()
                for old in ended:
                    if old.release == before:
                        old.start()
                # A full disk can be why it is refused.
                with contextlib.suppress(OSError):
                    self._assets.prune(before or release)
                    self._store.history.record("refused", release, reason=str(refusal), **told)
            raise Refused(self._explain(release, before, bool(ended), refusal, journal)) from refusal
        return {"answer": answer, "cut": cut, "noted": self._noted(candidate)}

    def _explain(self, release: str, before: str | None, ended: bool, refusal: Exception, journal: str) -> str:
        if self._store.current() == release:
            outcome = "it is the one that nginx goes to, and systemd goes on trying to start it"
        elif before and ended:
            outcome = f"release {before} was started again and takes those who waited"
        else:
            outcome = still_active(before)
        return (
            f"release {release} of the app {self._app} did not prove itself: {refusal}; {outcome}. "
            f"Its folder stays for a look, {self._store.item('releases', release)}, and all that it wrote: "
            f"journalctl --unit={systemd.instance(self._app, release)}.service. From that:\n"
            + self._without_values(release, remedies.explain(journal))
        )

    def _noted(self, candidate: Instance) -> list[str]:
        """Return what went wrong in a release that proved itself all the same, if it is known what helps."""
        failure = tracebacks.last(candidate.journal())
        if not failure or not remedies.known(failure.text, failure.source()):
            return []
        said = self._without_values(candidate.release, remedies.explain(failure.text))
        return [f"release {candidate.release} proved itself, but its journal has:\n{said}"]

    def _without_values(self, release: str, text: str) -> str:
        env = files.read(os.path.join(self._store.item("releases", release), "env"))
        return remedies.without_values(text, env_file.parse(env))
