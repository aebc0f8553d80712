# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs at its times: notes that it begins and ends. It is quick, so that its times show when it was begun."""

import json
import os
import time


def note(what):
    with open(f"{os.environ['STATE_DIRECTORY']}/notes", "ab", buffering=0) as notes:
        notes.write(f"{json.dumps([what, time.time(), os.environ['EDITION'], os.getpid()])}\n".encode())


note("job begins")
time.sleep(2)
note("job ends")
