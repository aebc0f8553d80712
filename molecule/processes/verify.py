# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of all work, of the beat and of the job, on the server.

verify.py TAKEN EVERY DOWN UP: a list of numbers, the seconds between two times of the job, and between which the host was down.
"""

import collections
import itertools
import json
import sys
import time

NOTES = "/var/lib/gunicorn-shop/notes"
# Seconds for what is left in the queues.
PATIENCE = 300


def notes():
    with open(NOTES, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def numbers(what, there):
    return sorted(note[4] for note in there if note[0] == what)


taken = sorted(json.loads(sys.argv[1]))
EVERY, DOWN, UP = map(int, sys.argv[2:])
deadline = time.monotonic() + PATIENCE
while numbers("ends", notes()) != taken and time.monotonic() < deadline:
    time.sleep(1)

found = notes()
assert len(taken) > 20, taken
begun = collections.Counter(numbers("begins", found))
assert not set(taken) - set(begun), f"work was lost: {sorted(set(taken) - set(begun))}"
assert max(begun.values()) == 1, f"work was begun twice: {begun.most_common(5)}"
assert numbers("ends", found) == taken, f"work was not ended: {sorted(set(taken) - set(numbers('ends', found)))}"
workers = {note[2] for note in found if note[0] == "begins"}
assert len(workers) > 2, workers

# Nobody was killed in the middle of something: who begins a work ends it.
assert {(note[3], note[4]) for note in found if note[0] == "begins"} == {
    (note[3], note[4]) for note in found if note[0] == "ends"
}

lives = collections.defaultdict(list)
for note in found:
    if note[0] == "beat":
        # After the boot a process may have the number of one from before.
        lives[note[2], note[3], note[1] > UP].append(note[1])
spans = sorted((min(times), max(times)) for times in lives.values())
assert len(spans) > 3, spans
for (_begin, end), (begin, _end) in itertools.pairwise(spans):
    assert end < begin, f"two beats lived at once: {spans}"

# At each of its times once, whichever release served then; the last one may not have begun. Of the times when the host was
# down one is made up for, after the boot.
slots = collections.Counter(int(note[1] // EVERY) for note in found if note[0] == "job begins")
down = range(DOWN // EVERY, UP // EVERY + 1)
for slot in range(min(slots), max(slots) + 1):
    if slot not in down:
        assert slots[slot] == 1, f"a job ran {slots[slot]} times at {slot * EVERY}: {slots}"
assert sum(slots[slot] for slot in down) <= len(down) + 1, f"a job ran too often around the boot, {down}: {slots}"
assert len({note[2] for note in found if note[0] == "job begins"}) > 1

ticks = [note[1] for note in found if note[0] == "tick"]
print(
    f"{len(taken)} works by {len(workers)} releases, {len(spans)} beats one after the other, {sum(slots.values())} jobs, "
    f"{len(ticks)} ticks in {ticks[-1] - ticks[0]:.0f} s, of which the host was down for {UP - DOWN}"
)
