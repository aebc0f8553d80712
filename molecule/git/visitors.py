"""Visitors who ask for a page again and again until they may go; fails on the first who isn't served."""

import collections
import os
import time
import urllib.request

END = time.monotonic() + 880
answers = collections.Counter()
request = urllib.request.Request("http://127.0.0.1/", headers={"Host": "guestbook.example.com"})
while not os.path.exists("/run/visitors-may-go") and time.monotonic() < END:
    with urllib.request.urlopen(request, timeout=20) as answer:
        edition = "second" if b"second edition" in answer.read() else "first"
        answers[edition] += 1
    time.sleep(0.2)
print(dict(answers))
if not answers["first"] or not answers["second"]:
    raise SystemExit("the visitors were to see both editions")
