"""The attacker's app: it looks around from inside, and says what worked."""

import json
import os
import time

import holder
import tries

if os.environ.get("WAITS"):
    # As for a database that never answers.
    time.sleep(3600)
tries.mark("the app at its import", *tries.QUICKLY)


def app(environ, start_response):
    does = {"/": lambda: "mallory", "/tries": tries.worked, "/lock": holder.take, "/leave": holder.leave}
    body = does[environ["PATH_INFO"]]()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
