# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one instance to the next: start, prove, switch, drain. Private to the collection.

The order is the whole point, and every other one loses requests (docs/how-it-works.md):

  both may run at once      start the new | prove it | switch | drain the old
  only one may run          start the new, in line | end the old, whose socket holds who comes | prove | switch | drain

Between the proof and the switch the release's processes take over, if it has any (see processes.py).

The candidate is asked over HTTP on a socket of its own while its unit and its workers are watched, one rename makes it
the active one, and a socket is closed only when nobody waits on it any more.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import time
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, masking, remedies, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release import env_file
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, still_active
from ansible_collections.pyweb.stack.plugins.module_utils._serving import interpreters, turns
from ansible_collections.pyweb.stack.plugins.module_utils._serving.assets import Assets, Difference
from ansible_collections.pyweb.stack.plugins.module_utils._serving.front import Front, Standing
from ansible_collections.pyweb.stack.plugins.module_utils._serving.health import Health
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Instance, Refused
from ansible_collections.pyweb.stack.plugins.module_utils._serving.processes import (
    Beside,
    Processes,
    ProcessRefused,
    Succession,
)
from ansible_collections.pyweb.stack.plugins.module_utils._serving.timers import Timers
from ansible_collections.pyweb.stack.plugins.module_utils._text import tracebacks
from ansible_collections.pyweb.stack.plugins.module_utils._venv import pythons

# A framework tells what a page raised, unless the app has taken that on itself.
_SILENT = "Nothing there says why. Where the app handles errors itself, have that log the exception, or pass it on."


@dataclasses.dataclass(frozen=True)
class Situation:
    """What there was of an app when it was looked at, with a view to its release `wanted`."""

    # None where check mode does not know it yet.
    wanted: str | None
    # Whether it can be had.
    there: bool
    # The release that was active, as people call it too, if there was one.
    current: str | None
    version: str
    # Of the wanted one: whether both its units ran, and whether perhaps not as its files say.
    running: bool
    edited: bool
    # When its service became active, in seconds since 1970.
    since: float
    # The files by which somebody else changes its units, or those beside it.
    drop_ins: tuple[str, ...]
    # What else systemd had of the app: the instance that was active, and strays of killed runs.
    others: tuple[str, ...]
    # Whether the wanted one may run beside all of them.
    overlaps: bool
    # Releases that are kept no longer.
    surplus: tuple[str, ...]
    front: Standing
    assets: Difference
    # Of its processes, and the standing units of these and of its jobs that are not as they are to be.
    beside: Beside
    timers: tuple[str, ...]

    @property
    def active(self) -> bool:
        """Whether the wanted release was active, as it is to be."""
        return self.wanted is not None and self.wanted == self.current and self._runs

    @property
    def _runs(self) -> bool:
        return self.running and not self.edited and not self.beside.idle

    @property
    def going(self) -> set[str]:
        """The releases, and strays, that go once the wanted one is active."""
        return {*self.others, *self.surplus, *self.beside.strays}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a handover."""

    changed: bool
    # What the release answered to the proof; empty if it was active already.
    answer: str = ""
    # How many connections to others were closed before they had ended.
    cut: int = 0
    # What people should know of the release that proved itself.
    noted: tuple[str, ...] = ()
    # The files by which somebody else changes its units.
    drop_ins: tuple[str, ...] = ()
    # The processes of other releases that still end what they have in hand.
    ending: tuple[str, ...] = ()


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
        self._bind = bind
        self._front = Front(app, store.path, bind)
        self._assets = Assets(store, keep_assets)
        self._processes = Processes(store)
        self._timers = Timers(store)

    def look(self, wanted: str | None) -> Situation:
        """Return what there is of the app. It holds until somebody changes it, which the store's lock leaves to its holder."""
        store, current = self._store, self._store.current()
        instance = Instance(self._app, wanted) if wanted else None
        units = [instance.service, instance.socket] if instance else []
        beside_it = self._processes.companions(wanted).all_units(self._app, wanted) if wanted else []
        asked = ("ActiveState", "UnitFileState", "DropInPaths", "ActiveEnterTimestampMonotonic")
        states = systemd.show_all([*units, *beside_it, *self._front.asked()], *asked)
        loaded = systemd.loaded(f"{systemd.instance(self._app, '')}*", self._processes.pattern)
        others = tuple(sorted(systemd.releases_of(loaded, self._app) - {wanted}))
        there = store.names("releases")
        beside = self._processes.look(wanted, loaded)
        kept = {wanted, *beside.busy}
        surplus = tuple(release for release in store.surplus(self._keep_releases) if release not in kept)
        drop_ins = {path for state in states.values() for path in state.get("DropInPaths", "").split()}
        return Situation(
            wanted=wanted,
            there=wanted in there,
            current=current,
            version=store.release(current)["version"] if current else "",
            running=bool(units) and all(states[unit]["ActiveState"] == "active" for unit in units),
            edited=instance is not None and instance.edited(),
            since=_since(states[instance.service]) if instance else 0,
            # Those for every service, which some hosts have, are no matter of the app.
            drop_ins=tuple(path for path in sorted(drop_ins) if path.split("/")[-2].startswith("gunicorn-")),
            others=others,
            # A release of an earlier version, or one whose folder is gone, does not say.
            overlaps=all(store.release(each).get("overlap", True) for each in there if each in (wanted, *others)),
            surplus=surplus,
            front=self._front.look(states),
            assets=self._assets.look(wanted or current or "", surplus),
            beside=beside,
            timers=self._timers.look(wanted) if wanted in there else (),
        )

    def needed(self, seen: Situation) -> bool:
        """Say whether run would change anything."""
        changes = seen.going or seen.timers or seen.assets.missing or seen.assets.surplus
        return not seen.active or self._front.differs(seen.front) or bool(changes)

    def diff(self, seen: Situation, version: str) -> list[dict]:
        """Return what run would change with the wanted release, which people call `version`, as Ansible shows it."""
        before = [f"{seen.current} {seen.version}"] if seen.current else []
        after = [f"{seen.wanted or '(not known yet)'} {version}"]
        for lines, address in ((before, seen.front.address), (after, self._bind)):
            lines += [address] if address else []
        if seen.wanted and seen.current == seen.wanted:
            instance = Instance(self._app, seen.wanted)
            stopped = [instance.service] * (not seen.running) + self._front.idle(seen.front) + [*seen.beside.idle]
            before += [f"{unit}: stopped or disabled" for unit in stopped]
            after += [f"{unit}: running" for unit in stopped]
            before += [f"{other}: of no more use" for other in sorted(seen.going)]
            before += [f"{unit}: not as the release has it" for unit in seen.timers]
            before += [f"assets/{name}" for name in sorted(seen.assets.surplus)]
            after += [f"assets/{name}" for name in sorted(seen.assets.missing)]
        texts = ["".join(f"{line.strip()}\n" for line in lines) for lines in (before, after)]
        return [{"before": texts[0], "after": texts[1]}, *self._front.edited(seen.front)]

    def fault(self, seen: Situation) -> str | None:
        """Return what can be known to fail before anything changes, or None."""
        fault = self._front.fault(seen.front) or (self._timers.fault(seen.wanted) if seen.wanted else None)
        return fault and f"{fault}; {still_active(seen.current)}"

    def run(self, seen: Situation, health: Health, replaces: str | None = None, **told: object) -> Outcome:
        """Make the wanted release the active one, then remove what is of no more use.

        `replaces` is the release that was active when whoever wants this began, empty where none was, and None where that
        makes no difference. `told` goes into the history. Raises StoreError where there is no such release, or Refused;
        the old one stays active.
        """
        release = seen.wanted or ""
        fault = self._store.overtaken(release, replaces)
        if fault:
            raise Refused(fault)
        if not seen.there:
            self._store.resolve(release)
        fault = self.fault(seen) or self._unable(seen)
        if fault:
            raise Refused(fault)
        # Before a page can name them; those of an earlier release stay for the pages that do.
        changed = self._assets.add(seen.assets)
        done = Outcome(changed)
        if seen.active:
            noted = (*self._noted_since(seen.since, release), *self._noted_beside(seen.since, release))
            done = Outcome(changed, noted=noted)
        else:
            done = self._take_over(seen, release, health, told)
            # Nothing is as it was.
            seen = self.look(release)
            self._assets.add(seen.assets)
        cleared, cut = self._clear(seen, release)
        return dataclasses.replace(
            done,
            changed=done.changed or cleared,
            cut=done.cut + cut,
            drop_ins=seen.drop_ins,
            ending=self._processes.ending(release, seen.beside),
        )

    def _clear(self, seen: Situation, release: str) -> tuple[bool, int]:
        """Let the active release be the only one that runs; say whether that changed anything, and how many it closed."""
        # They may take the longest, and nobody waits for them.
        self._processes.end(seen.beside)
        changed = self._front.install(seen.front)
        if seen.timers:
            self._timers.install(release)
            changed = True
        cut = sum(Instance(self._app, other).drain(self._drain_timeout) for other in seen.others)
        for gone in seen.surplus:
            systemd.remove(systemd.files_of(self._app, gone))
        # Last, as it is known by its folder.
        self._store.prune(seen.surplus)
        interpreters.prune()
        changed |= self._assets.prune(seen.assets)
        changed |= self._front.listen(seen.front)
        return changed or bool(seen.going), cut

    def _unable(self, seen: Situation) -> str | None:
        """Return why a release that isn't active can't be, whatever its code does."""
        if seen.active or not seen.wanted:
            return None
        reason = pythons.fault(os.path.join(self._store.item("releases", seen.wanted), "venv"))
        if reason is None:
            return None
        return (
            f"release {seen.wanted} can't be active again: {reason}; run the playbook without gunicorn_release, which builds "
            "a release for the Python that is there, or install that Python again"
        )

    def _take_over(self, seen: Situation, release: str, health: Health, told: dict) -> Outcome:
        """Prove the release and switch to it."""
        before, candidate = seen.current, Instance(self._app, release)
        succession = Succession(self._store, release, health.timeout)
        cut, ended = 0, []
        again: tuple[str, ...] = ()
        try:
            if seen.edited:
                candidate.renew()
            candidate.start()
            # An app can hold the lock for itself alone where it need not: then it has to end first as well.
            has_turn = candidate.line_up(health.timeout)
            if not (seen.overlaps and has_turn):
                instances = [Instance(self._app, other) for other in seen.others]
                in_the_way = turns.fault(candidate.lock, [each.service for each in (candidate, *instances)])
                if in_the_way:
                    raise Refused(f"it {in_the_way}")
                ended = instances
                # Strays first: as soon as the one that is active ends, its visitors have it started again, to stand in line.
                for other in sorted(ended, key=lambda each: each.release == before):
                    cut += (
                        other.end(self._drain_timeout) if other.release == before else other.drain(self._drain_timeout)
                    )
            answer = candidate.prove(health, self._store.release(release)["in_force"])
            succession.run()
            if before != release:
                # First, so that whatever ends this run here, the way back from the new release is known.
                self._store.history.record("serves", release, previous=before, answer=answer, **told)
                self._store.switch(release)
        except (Refused, systemd.SystemdError, OSError) as refusal:
            unit, journal = candidate.service, candidate.journal()
            if isinstance(refusal, ProcessRefused):
                unit, journal = refusal.unit, refusal.journal
            if self._store.current() != release:
                candidate.discard()
                again = succession.undo()
                for old in ended:
                    if old.release == before:
                        old.start()
                # A full disk can be why it is refused.
                with contextlib.suppress(OSError):
                    self._assets.prune(self._assets.look(before or release))
                    self._store.history.record("refused", release, reason=str(refusal), **told)
            raise Refused(self._explain(release, before, bool(ended), again, refusal, unit, journal)) from refusal
        return Outcome(changed=True, answer=answer, cut=cut, noted=self._noted(candidate))

    def _explain(
        self,
        release: str,
        before: str | None,
        ended: bool,
        again: tuple[str, ...],
        refusal: Exception,
        unit: str,
        journal: str,
    ) -> str:
        if self._store.current() == release:
            outcome = "it is the one that nginx goes to, and systemd goes on trying to start it"
        elif before and ended:
            outcome = f"release {before} was started again and takes those who waited"
        elif again:
            outcome = f"release {before} is still active"
        else:
            outcome = still_active(before)
        if again:
            outcome += f", and what of it had ended for the new one was started again: {', '.join(again)}"
        said = self._without_values(release, remedies.explain(journal.strip(), self._store.workdir(release)))
        if re.search(r"[:,] 500\b", str(refusal)) and not tracebacks.last(journal):
            said = "\n".join([said, _SILENT])
        return (
            f"release {release} of the app {self._app} did not prove itself: {refusal}; {outcome}. "
            f"Its folder stays for a look, {self._store.item('releases', release)}, and all that it wrote: "
            f"journalctl --unit={unit}. From that:\n{said}"
        )

    def _noted(self, candidate: Instance) -> tuple[str, ...]:
        """Return what went wrong in a release that proved itself all the same, if it is known what helps."""
        failure, workdir = tracebacks.last(candidate.journal()), self._store.workdir(candidate.release)
        if not failure or not remedies.of(failure, workdir):
            return ()
        said = self._without_values(candidate.release, remedies.explain(failure.text, workdir))
        return (f"release {candidate.release} proved itself, but its journal has:\n{said}",)

    def _noted_since(self, since: float, release: str) -> tuple[str, ...]:
        """Return what went wrong since a time in the active release, if it is known what helps."""
        said = Instance(self._app, release).journal(since)
        source = os.path.realpath(os.path.join(self._store.item("releases", release), "src"))
        helps = remedies.in_service(said, source, self._store.workdir(release))
        if not helps:
            return ()
        return (f"release {release} is active, but its journal has:\n{self._without_values(release, helps)}",)

    def _noted_beside(self, since: float, release: str) -> Iterator[str]:
        """Yield which processes of the active release end again and again, and why."""
        for unit, (times, journal) in self._processes.unsteady(release, since).items():
            said = remedies.explain(journal.strip(), self._store.workdir(release))
            yield (
                f"release {release} is active, but its process {unit} ended, and systemd starts it again (so far: {times}); all that "
                f"it wrote: journalctl --unit={unit}. From that:\n{self._without_values(release, said)}"
            )

    def _without_values(self, release: str, text: str) -> str:
        env = files.read(os.path.join(self._store.item("releases", release), "env"))
        return masking.without_values(text, env_file.parse(env))


def _since(state: dict[str, str]) -> float:
    """Return when a unit became active, in seconds since 1970; now where it never did."""
    entered = float(state.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
    return time.time() - (time.monotonic() - entered if entered else 0)
