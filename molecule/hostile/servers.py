"""What the attacks need on the server: a collector of what they tell, a server of archives, and one that is silent."""

import functools
import http.server
import json
import pathlib
import socketserver
import threading
import time

FOLDER = pathlib.Path("/opt/hostile")


class Collector(socketserver.StreamRequestHandler):
    """Keeps what the attackers' code tells (tries.py), a line a report."""

    def handle(self):
        with open(FOLDER / "marks.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(json.loads(self.rfile.read())) + "\n")


class Silent(socketserver.BaseRequestHandler):
    """Takes a connection, and says nothing."""

    def handle(self):
        time.sleep(3600)


archives = functools.partial(http.server.SimpleHTTPRequestHandler, directory=FOLDER / "projects")
socketserver.ThreadingTCPServer.allow_reuse_address = True
for port, handler in ((8003, Collector), (8004, archives), (8005, Silent)):
    threading.Thread(target=socketserver.ThreadingTCPServer(("127.0.0.1", port), handler).serve_forever).start()
