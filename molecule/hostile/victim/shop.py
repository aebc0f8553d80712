"""The app that is to be robbed; it keeps a file, which is to stay as it is."""

import os
import pathlib

ORDERS = pathlib.Path(os.environ["STATE_DIRECTORY"], "orders")


def app(environ, start_response):
    if not ORDERS.exists():
        ORDERS.write_text("one order\n")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [ORDERS.read_bytes()]
