# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The times of a crontab in systemd's words (crontab(5), systemd.time(7)). Private to the collection. Pure."""

from __future__ import annotations

import dataclasses
import itertools
import re

_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Of cron's own names those that systemd has, too, differ in the day of the week.
_NAMED = {
    "@hourly": "hourly",
    "@daily": "daily",
    "@midnight": "daily",
    "@weekly": "Sun *-*-* 00:00:00",
    "@monthly": "monthly",
    "@yearly": "yearly",
    "@annually": "yearly",
}
_FIELD = r"[0-9*,/a-zA-Z-]+"
_LINE = re.compile(rf"({_FIELD})[ \t]+({_FIELD})[ \t]+({_FIELD})[ \t]+({_FIELD})[ \t]+({_FIELD})")
# A time, and the command behind it.
_WITH_COMMAND = re.compile(rf"({_LINE.pattern}|@\w+)[ \t]+(?P<command>\S.*)")
_PART = re.compile(r"(?:(\*)|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:/([1-9][0-9]*))?", re.IGNORECASE)


class CrontabError(ValueError):
    """What is meant as a crontab's time is none that can be said in other words; the message is the rest of a sentence."""


@dataclasses.dataclass(frozen=True)
class _Field:
    """A field of a crontab: its bounds, and the names of its values from the lowest on."""

    lowest: int
    highest: int
    names: tuple[str, ...] = ()

    def values(self, text: str) -> list[int] | None:
        """Return the values that it stands for, None for all of them."""
        found: set[int] = set()
        for part in text.split(","):
            match = _PART.fullmatch(part)
            if not match:
                raise CrontabError(f"has {part!r} in a field, which is none of cron's forms")
            every, first, last, step = match.groups()
            # Cron takes a step behind one number for nothing, or for what some other program makes of it.
            if step and first and not last:
                raise CrontabError(f"has {part!r}, of which programs make different things: write the range out")
            low = self.lowest if every else self._number(first)
            high = self.highest if every else self._number(last or first)
            if not self.lowest <= low <= high <= self.highest:
                raise CrontabError(f"has {part!r}, but there it goes from {self.lowest} to {self.highest}")
            if every and not step:
                return None
            found |= set(range(low, high + 1, int(step or 1)))
        return sorted(found)

    def _number(self, text: str) -> int:
        lower = [name.lower() for name in self.names]
        if text.lower() in lower:
            return self.lowest + lower.index(text.lower())
        if not text.isdigit():
            raise CrontabError(f"has {text!r} in a field, which is none of cron's names")
        return int(text)


_MINUTE, _HOUR, _DAY = _Field(0, 59), _Field(0, 23), _Field(1, 31)
_MONTH, _WEEKDAY = _Field(1, 12, _MONTHS), _Field(0, 7, _DAYS)


def is_one(text: str) -> bool:
    """Say whether a text is the time of a crontab's line, or all of that, rather than one of systemd's."""
    time, _command = split(text)
    return time.startswith("@") or bool(_LINE.fullmatch(time))


def split(text: str) -> tuple[str, str]:
    """Return the time of a crontab's line and the command behind it, empty where there is none."""
    match = _WITH_COMMAND.fullmatch(text.strip())
    return (match[1], match["command"]) if match else (text.strip(), "")


def calendar(text: str) -> str:
    """Return the `OnCalendar` form of a crontab's time. Raises CrontabError where there is none."""
    text = text.strip()
    if text.startswith("@"):
        if text.lower() not in _NAMED:
            raise CrontabError("is none of cron's names of times that come again")
        return _NAMED[text.lower()]
    match = _LINE.fullmatch(text)
    if not match:
        raise CrontabError("has not five fields")
    minute, hour, day, month, weekday = match.groups()
    days, weekdays = _DAY.values(day), _WEEKDAY.values(weekday)
    # A star that has a step counts as a star for this (crontab(5)): then both must fit, as with systemd.
    if days is not None and weekdays is not None and not (day.startswith("*") or weekday.startswith("*")):
        raise CrontabError(
            "means days of the month and days of the week as well, which systemd has no single form for: make two jobs of it"
        )
    date = f"*-{_said(_MONTH.values(month))}-{_said(days)}"
    time = f"{_said(_HOUR.values(hour))}:{_said(_MINUTE.values(minute))}:00"
    return f"{_weekdays(weekdays)}{date} {time}"


def _weekdays(values: list[int] | None) -> str:
    # Sunday is 0 and 7.
    days = None if values is None else sorted({(value + 6) % 7 for value in values})
    if days is None or len(days) == len(_DAYS):
        return ""
    names = [*_DAYS[1:], _DAYS[0]]
    return (
        ",".join(names[first] if first == last else f"{names[first]}..{names[last]}" for first, last in _runs(days))
        + " "
    )


def _said(values: list[int] | None) -> str:
    """Return values as systemd has them: each, or runs of them, or every so many from the first on."""
    if values is None:
        return "*"
    steps = {after - before for before, after in itertools.pairwise(values)}
    if len(values) > 2 and len(steps) == 1 and steps != {1}:
        return f"{values[0]:02}..{values[-1]:02}/{steps.pop()}"
    return ",".join(f"{first:02}" if first == last else f"{first:02}..{last:02}" for first, last in _runs(values))


def _runs(values: list[int]) -> list[tuple[int, int]]:
    """Return runs of numbers that follow each other, by their ends."""
    runs: list[tuple[int, int]] = []
    for value in values:
        if runs and value == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], value)
        else:
            runs.append((value, value))
    return runs
