# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the app for work, again and again until /run/enough is there, and prints which it took: clients.py FIRST LEAST MOST."""

import http.client
import itertools
import json
import os
import random
import socket
import sys
import time

FIRST = int(sys.argv[1])
LEAST, MOST = map(float, sys.argv[2:])


class Connection(http.client.HTTPConnection):
    """A connection to the release that serves, as nginx makes one."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect("/srv/shop/current/app.sock")


taken = []
for number in itertools.count(FIRST):
    if os.path.exists("/run/enough"):
        break
    connection = Connection("localhost")
    connection.request("GET", f"/work/{number}/{random.uniform(LEAST, MOST):.1f}")
    if connection.getresponse().status != 200:
        sys.exit(f"work {number} was not taken")
    taken.append(number)
    connection.close()
    # Two workers of Celery and a clerk do six at once, and the queues are to stay short.
    time.sleep((LEAST + MOST) / 2 / 3)
print(json.dumps(taken))
