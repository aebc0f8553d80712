# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of all work, of the beat and of the job: verify.py TAKEN, a list of numbers, on the server."""

import collections
import itertools
import json
import sys
import time

NOTES = "/var/lib/gunicorn-shop/notes"
# Seconds between two times of the job.
EVERY = 20


def notes():
    with open(NOTES, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def numbers(what, there):
    return sorted(note[4] for note in there if note[0] == what)


taken = json.loads(sys.argv[1])
deadline = time.monotonic() + 120
while numbers("ends", notes()) != taken and time.monotonic() < deadline:
    time.sleep(1)

found = notes()
assert len(taken) > 20, taken
assert numbers("begins", found) == taken, "work was lost, or begun twice"
assert numbers("ends", found) == taken, "work was not ended"
workers = {note[2] for note in found if note[0] == "begins"}
assert len(workers) > 2, workers

# Nobody was killed in the middle of something: who begins a work ends it.
assert {(note[3], note[4]) for note in found if note[0] == "begins"} == {
    (note[3], note[4]) for note in found if note[0] == "ends"
}

lives = collections.defaultdict(list)
for note in found:
    if note[0] == "beat":
        lives[note[2], note[3]].append(note[1])
spans = sorted((min(times), max(times)) for times in lives.values())
assert len(spans) > 3, spans
for (_begin, end), (begin, _end) in itertools.pairwise(spans):
    assert end < begin, f"two beats lived at once: {spans}"

# At each of its times once, whichever release served then; the last one may not have begun.
slots = [int(note[1] // EVERY) for note in found if note[0] == "job begins"]
assert slots == list(range(slots[0], slots[-1] + 1)), f"a job ran twice, or not: {slots}"
assert len({note[2] for note in found if note[0] == "job begins"}) > 1

ticks = [note[1] for note in found if note[0] == "tick"]
print(
    f"{len(taken)} works by {len(workers)} releases, {len(spans)} beats one after the other, {len(slots)} jobs, "
    f"{len(ticks)} ticks in {ticks[-1] - ticks[0]:.0f} s"
)
