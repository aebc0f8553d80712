# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes beside an app's web process go over from one release to the next. Private to the collection.

  may overlap     start the new | see that they live | rename of `current` | end the old, which nobody waits for
  may not         start the new, in line | end the old, and wait for that | see that they live | rename

What serves is proved first. A process that does not live refuses its release; what ran before it runs on, or again.
"""

from __future__ import annotations

import dataclasses
import os
import re
import time
from collections.abc import Iterable, Mapping

from ansible_collections.pyweb.stack.plugins.module_utils._host import locks, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release.companions import Companions, Process
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._serving import turns
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Refused

_TICK = 0.1
_JOURNAL = 400
# Seconds in which one that was started again may be so once more.
_RECENT = 600
_ASKED = ("ActiveState", "SubState", "Result", "NRestarts", "MainPID", "ExecMainStatus", "Job")
_ENDED = ("inactive", "failed")


class ProcessRefused(Refused):
    """A process of a release does not live; `unit` is its, and `journal` what that wrote."""

    def __init__(self, message: str, unit: str, journal: str):
        super().__init__(message)
        self.unit = unit
        self.journal = journal


@dataclasses.dataclass(frozen=True)
class Running:
    """A process or a run of a job, by its `unit`, its `name`, its `release` and the `state` that systemd has it in."""

    unit: str
    name: str
    release: str
    is_job: bool
    state: str

    @property
    def ended(self) -> bool:
        """Say whether nothing of it runs, nor will by itself."""
        return self.state in _ENDED

    @property
    def ends(self) -> bool:
        """Say whether it was told to end, and has not yet."""
        return self.state == "deactivating"

    def shown(self) -> str:
        """Return how people call it."""
        return f"{self.name} of release {self.release} ({self.unit})"


@dataclasses.dataclass(frozen=True)
class Beside:
    """What there was beside the web processes of an app when it was looked at, with a view to one of its releases."""

    # Units of its processes that should run and did not.
    idle: tuple[str, ...]
    # The processes of other releases, ended or not.
    others: tuple[Running, ...]
    # All processes and runs of jobs that systemd had in memory.
    there: tuple[Running, ...]

    @property
    def busy(self) -> set[str]:
        """The releases that can't go yet, since a process of theirs or a job still ran."""
        return {each.release for each in self.there if not each.ended}

    @property
    def strays(self) -> tuple[str, ...]:
        """The units of other releases' processes that nobody told to end."""
        return tuple(each.unit for each in self.others if not (each.ended or each.ends))


class Processes:
    """What runs beside the web process of an app's releases."""

    def __init__(self, store: Store):
        self._store = store
        # Of what has such names the relay alone is something else.
        self._unit = re.compile(rf"gunicorn-{store.name}-(?!relay@)([a-z0-9_]+)(?:-(job|[0-9]+))?@(\w+)\.service")
        self.pattern = f"gunicorn-{store.name}-*@*.service"

    def look(self, wanted: str | None, loaded: Mapping[str, str]) -> Beside:
        """Return what there is, by the states of units whose names fit the `pattern`.

        `wanted` is the release in view; None in check mode where it is not known yet.
        """
        there = self._found(loaded)
        units = self.companions(wanted).process_units(self._store.name, wanted) if wanted else []
        return Beside(
            # One that ends, and was wanted again meanwhile, starts when it has ended.
            idle=tuple(unit for unit in units if loaded.get(unit) not in ("active", "deactivating")),
            others=tuple(each for each in there if each.release != wanted and not each.is_job),
            there=tuple(there),
        )

    def _found(self, loaded: Mapping[str, str]) -> list[Running]:
        found = [(self._unit.fullmatch(unit), state) for unit, state in loaded.items()]
        return [Running(match[0], match[1], match[3], match[2] == "job", state) for match, state in found if match]

    def look_again(self, wanted: str) -> Beside:
        """Return what there is now."""
        return self.look(wanted, systemd.loaded(self.pattern))

    def companions(self, release: str) -> Companions:
        """Return what a release is to have; nothing where its folder is gone."""
        if release not in self._store.names("releases"):
            return Companions()
        record = self._store.release(release)
        return Companions.of(record.get("processes", {}), record.get("schedule", {}))

    def unsteady(self, release: str, since: float) -> dict[str, tuple[int, str]]:
        """Return how often systemd has started processes of a release again, of those for which it just did, by their units.

        With each is what it wrote `since` a time.
        """
        units = self.companions(release).process_units(self._store.name, release)
        asked = systemd.show_all(units, "NRestarts", "ActiveEnterTimestampMonotonic") if units else {}
        recent = (time.monotonic() - _RECENT) * 1e6
        return {
            unit: (int(state["NRestarts"]), systemd.journal(unit, since, _JOURNAL))
            for unit, state in asked.items()
            if int(state["NRestarts"]) and float(state["ActiveEnterTimestampMonotonic"]) > recent
        }

    def end(self, beside: Beside) -> None:
        """Have the processes of other releases end what they have in hand, for which nobody waits."""
        if beside.strays:
            systemd.ctl("stop", "--no-block", *beside.strays)
        failed = [each.unit for each in beside.others if each.state == "failed"]
        if failed:
            systemd.ctl("reset-failed", *failed)

    def ending(self, release: str, beside: Beside) -> tuple[str, ...]:
        """Return which processes of other releases have not ended, of those that there were."""
        if all(each.ended for each in beside.others):
            return ()
        return tuple(each.shown() for each in self.look_again(release).others if not each.ended)


class Succession:
    """The processes of `release` take over, and are given `patience` seconds to start."""

    def __init__(self, store: Store, release: str, patience: float):
        self._store = store
        self._processes = Processes(store)
        self._release = release
        self._patience = patience
        self._since = time.time()
        self._restarts: dict[str, int] = {}
        self._started: list[str] = []
        # Since when each of them lives.
        self._begun: dict[str, float] = {}
        self._ended: list[Running] = []
        # Those that still end what they have in hand from when their release served before, and start then. They lived, and
        # whoever goes back can't wait for them.
        self._pending: set[str] = set()

    def run(self) -> None:
        """Start those that don't run, and see that they live. Raises ProcessRefused, or SystemdError."""
        wanted = self._processes.companions(self._release).processes
        if not wanted:
            return
        units = {each: each.units(self._store.name, self._release) for each in wanted}
        alone = self._alone(wanted)
        settle = {unit: each.settle for each, names in units.items() for unit in names}
        beside = {unit: settle[unit] for each, names in units.items() if each.name not in alone for unit in names}
        self._start([*settle])
        waiting = self._watch(beside, lines_up=True)
        # One can have the lock for itself alone where it need not: then it has to end first as well.
        alone |= {each.name for each, names in units.items() if waiting.intersection(names)}
        ending = [each for each in self._others() if each.name in alone]
        for each, names in units.items():
            if each.name in alone:
                self._refuse_kept(each.name, names, [other.unit for other in ending if other.name == each.name])
        self._end(ending)
        self._watch(settle)

    def undo(self) -> tuple[str, ...]:
        """Have what was started end, and what was ended for it start again; return how people call the latter."""
        if self._started:
            # What they have in hand is not lost: they may take their time for that as any other.
            systemd.ctl("stop", "--no-block", *self._started)
        current = self._store.current()
        again = [each for each in self._ended if each.release == current]
        if again:
            units = [each.unit for each in again]
            systemd.ctl("reset-failed", *units)
            # Those that are alone stand in line.
            systemd.ctl("start", "--no-block", *units)
        return tuple(each.shown() for each in again)

    def _alone(self, wanted: Iterable[Process]) -> set[str]:
        """Return the names of those that may not run beside those of another release, as either of the two says."""
        alone = {each.name for each in wanted if not each.overlap}
        for other in {each.release for each in self._others()}:
            alone |= {each.name for each in self._processes.companions(other).processes if not each.overlap}
        return alone

    def _others(self) -> list[Running]:
        return [each for each in self._processes.look_again(self._release).others if not each.ended]

    def _start(self, units: list[str]) -> None:
        asked = systemd.show_all(units, "ActiveState", "NRestarts")
        self._started = [unit for unit, state in asked.items() if state["ActiveState"] != "active"]
        self._pending = {unit for unit, state in asked.items() if state["ActiveState"] == "deactivating"}
        if self._started:
            systemd.ctl("reset-failed", *self._started)
            systemd.require("start", "--no-block", *self._started)
            asked = systemd.show_all(units, "NRestarts")
        self._restarts = {unit: int(state["NRestarts"]) for unit, state in asked.items()}

    def _end(self, others: list[Running]) -> None:
        if others:
            self._ended = others
            # Each has its own end, by its unit.
            systemd.ctl("stop", *(each.unit for each in others))

    def _refuse_kept(self, name: str, units: list[str], others: list[str]) -> None:
        """Refuse units of a process that would wait for their turn when those `others` have ended."""
        fault = turns.fault(os.path.join(self._store.path, "locks", name), [*units, *others])
        if fault:
            raise self._refused(units[0], fault)

    def _watch(self, units: dict[str, int], lines_up: bool = False) -> set[str]:
        """Wait until each of these units has lived for its seconds, in which none of them may end.

        With `lines_up` it is enough that one stands in line. Returns those that do.
        """
        settle = {unit: seconds for unit, seconds in units.items() if unit not in self._pending}
        begun = self._begun
        deadline = time.monotonic() + self._patience
        while True:
            now, waiting = time.monotonic(), set[str]()
            for unit, state in systemd.show_all([*settle], *_ASKED).items() if settle else ():
                self._refuse_ended(unit, state)
                if locks.in_line(state["MainPID"]):
                    waiting.add(unit)
                elif state["ActiveState"] == "active":
                    begun.setdefault(unit, now)
            enough = waiting if lines_up else ()
            if all(
                unit in enough or (unit in begun and now - begun[unit] >= self._seconds(unit, seconds))
                for unit, seconds in settle.items()
            ):
                return waiting
            late = [unit for unit in settle if unit not in begun and unit not in enough]
            if late and now > deadline:
                raise self._refused(late[0], f"did not start within {self._patience:g} s (gunicorn_health.timeout)")
            time.sleep(_TICK)

    def _seconds(self, unit: str, settle: int) -> int:
        """Return how long a unit has yet to live: one that ran already has proved itself."""
        return settle if unit in self._started else 0

    def _refuse_ended(self, unit: str, state: dict[str, str]) -> None:
        # What was asked to start a moment ago may not have begun to.
        ended = (state["ActiveState"] in _ENDED and not state.get("Job")) or state["SubState"] == "auto-restart"
        if not ended and int(state["NRestarts"]) <= self._restarts[unit]:
            return
        status = state["ExecMainStatus"]
        how = f"ended with status {status} ({state['Result']}) before it had lived for its settle seconds"
        if status == "0":
            how += "; a process must stay in the foreground, and go on until it is told to end"
        raise self._refused(unit, how)

    def _refused(self, unit: str, how: str) -> ProcessRefused:
        return ProcessRefused(f"its process {unit} {how}", unit, systemd.journal(unit, self._since, _JOURNAL))
