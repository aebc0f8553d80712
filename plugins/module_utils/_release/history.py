# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to the releases of an app, one JSON object a line. Private to the collection."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import json
import os

from ansible_collections.pyweb.stack.plugins.module_utils._host import files


class History:
    """The history of an app's releases in the file `path`."""

    def __init__(self, path: str):
        self._path = path

    def record(self, event: str, release: str, **details: object) -> None:
        """Append what happens to a release (`serves`, `refused`, `applied` or `restored`), durable when this returns."""
        line = json.dumps({"time": now(), "event": event, "release": release, **details}, sort_keys=True)
        with open(self._path, "a+", encoding="utf-8") as file:
            # What a release was asked for may hold a token.
            os.fchmod(file.fileno(), 0o640)
            # A crash may have cut the last line short.
            file.seek(max(0, file.tell() - 1))
            file.write(line + "\n" if file.read() in ("", "\n") else f"\n{line}\n")
            files.sync(file)

    def events(self) -> list[dict]:
        """Return the events, oldest first; a line that a crash cut short is passed over."""
        events = []
        with contextlib.suppress(FileNotFoundError), open(self._path, encoding="utf-8") as file:
            for line in file:
                with contextlib.suppress(ValueError):
                    events.append(json.loads(line))
        return events

    def activations(self, current: str | None) -> list[dict]:
        """Return the events with which releases became active, oldest first; `current` is the one that is now."""
        events = [event for event in self.events() if event["event"] == "serves"]
        # The history comes before the switch, which something may have prevented: then the next one replaced another.
        later = [event.get("previous", before["release"]) for before, event in itertools.pairwise(events)]
        return [event for event, active in zip(events, [*later, current], strict=False) if event["release"] == active]


def now() -> str:
    """Return the time in UTC, to the millisecond, in a form that sorts."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
