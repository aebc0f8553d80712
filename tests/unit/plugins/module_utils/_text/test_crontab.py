# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of crontabs, as systemd's own program has them come again."""

from __future__ import annotations

import datetime
import re
import shutil
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._text import crontab

# So many times are compared, from a moment on that is no edge of anything.
TIMES = 40
HORIZON = datetime.timedelta(days=70)
BEGIN = datetime.datetime(2026, 2, 26, 13, 37, 11)


@pytest.mark.parametrize(
    ("line", "calendar"),
    [
        ("* * * * *", "*-*-* *:*:00"),
        ("*/15 * * * *", "*-*-* *:00..45/15:00"),
        ("0 3 * * *", "*-*-* 03:00:00"),
        ("30 4 1,15 * *", "*-*-01,15 04:30:00"),
        ("0 22 * * 1-5", "Mon..Fri *-*-* 22:00:00"),
        ("0 22 * * mon-fri", "Mon..Fri *-*-* 22:00:00"),
        ("5 4 * * sun", "Sun *-*-* 04:05:00"),
        ("5 4 * * 0", "Sun *-*-* 04:05:00"),
        ("5 4 * * 7", "Sun *-*-* 04:05:00"),
        ("5 4 * * 0-6", "*-*-* 04:05:00"),
        ("5 4 * * 6,0", "Sat..Sun *-*-* 04:05:00"),
        ("5 4 * * */2", "Tue,Thu,Sat..Sun *-*-* 04:05:00"),
        ("0 0,12 1 */2 *", "*-01..11/2-01 00,12:00:00"),
        ("23 0-20/2 * * *", "*-*-* 00..20/2:23:00"),
        ("0 0 1 jan-mar *", "*-01..03-01 00:00:00"),
        ("1,2,5 * * * *", "*-*-* *:01..02,05:00"),
        ("*/40 * * * *", "*-*-* *:00,40:00"),
        (" 0\t3  * * * ", "*-*-* 03:00:00"),
        ("0 0 */2 * 1", "Mon *-*-01..31/2 00:00:00"),
        ("@daily", "daily"),
        ("@hourly", "hourly"),
        # Cron's week begins on Sunday, systemd's on Monday.
        ("@weekly", "Sun *-*-* 00:00:00"),
    ],
)
def test_a_line(line, calendar):
    assert crontab.is_one(line)
    assert crontab.calendar(line) == calendar


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("0 3 * * * /usr/bin/x -q", ("0 3 * * *", "/usr/bin/x -q")),
        (" @daily\t/x ", ("@daily", "/x")),
        ("0 3 * * *", ("0 3 * * *", "")),
    ],
)
def test_a_command_may_be_behind_it(line, parts):
    assert crontab.is_one(line)
    assert crontab.split(line) == parts


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0 0 13 * 5", "two jobs"),
        ("@reboot", "none of cron's names"),
        ("5/15 * * * *", "write the range out"),
        ("60 * * * *", "from 0 to 59"),
        ("* 5-3 * * *", "from 0 to 23"),
        ("* * * foo *", "none of cron's names"),
        ("* * 0 * *", "from 1 to 31"),
        ("a-b-c * * * *", "none of cron's forms"),
    ],
)
def test_what_can_not_be_said(line, says):
    assert crontab.is_one(line)
    with pytest.raises(crontab.CrontabError, match=says):
        crontab.calendar(line)


@pytest.mark.parametrize(
    "text",
    [
        "daily",
        "*-*-* 04:00:00",
        "Mon..Fri 22:30",
        "*:0/15",
        "Mon *-*-* 04:00:00 Europe/Berlin",
        "2026-12-24 18:00",
        "04:00",
    ],
)
def test_what_is_systemds(text):
    assert not crontab.is_one(text)


def _fits(line: str, moment: datetime.datetime) -> bool:
    """Say whether cron would begin something at a moment, field by field as crontab(5) has it."""
    minute, hour, day, month, weekday = line.split()
    fields = [(minute, moment.minute, 0), (hour, moment.hour, 0), (day, moment.day, 1), (month, moment.month, 1)]
    days = [0, 7] if moment.isoweekday() == 7 else [moment.isoweekday()]
    return all(_has(*field) for field in fields) and any(_has(weekday, each, 0) for each in days)


def _has(field: str, value: int, lowest: int) -> bool:
    for part in field.split(","):
        span, _slash, step = part.partition("/")
        low, _dash, high = span.partition("-")
        low, high = (lowest, 99) if span == "*" else (int(low), int(high or low))
        if low <= value <= high and (value - low) % int(step or 1) == 0:
            return True
    return False


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize(
    "line",
    [
        *(
            "*/15 * * * *",
            "7,9-12,40 * * * *",
            "0 */5 * * *",
            "30 4 1,15 * *",
            "0 22 * * 1-5",
            "5 4 * * 0",
            "5 4 * * 5-7",
        ),
        *("0 0,12 1 */2 *", "23 0-20/2 * * *", "59 23 31 * *", "0 0 */2 * 1", "13 */7 * 2-4 2,4"),
    ],
)
def test_systemd_has_it_come_when_cron_would(line):
    argv = ["systemd-analyze", "calendar", f"--iterations={TIMES}", f"--base-time={BEGIN}", crontab.calendar(line)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"})
    found = re.findall(r"(?:Next elapse|Iter\. #\d+|Iteration #\d+): \w+ (\S+ \S+)", done.stdout)
    moment, expected = BEGIN.replace(second=0), []
    while len(expected) < TIMES and moment - BEGIN < HORIZON:
        moment += datetime.timedelta(minutes=1)
        if _fits(line, moment):
            expected.append(f"{moment:%Y-%m-%d %H:%M:%S}")
    assert expected
    assert found[: len(expected)] == expected
