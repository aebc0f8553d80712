"""A package index (PEP 503) of the wheels in a folder, for those who know the password."""

import base64
import http.server
import pathlib

WHEELS = pathlib.Path("/opt/wheels")
EXPECTED = "Basic " + base64.b64encode(b"reader:marked-as-secret").decode()


class Index(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers["Authorization"] != EXPECTED:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()
            return
        kind, name = self.path.strip("/").split("/")
        body = (WHEELS / name).read_bytes() if kind == "files" else self._links(name)
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if kind == "simple" else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def _links(self, name):
        names = [path.name for path in WHEELS.glob(f"{name}-*.whl")]
        return "".join(f'<a href="/files/{each}">{each}</a>\n' for each in names).encode()


http.server.ThreadingHTTPServer(("127.0.0.1", 8002), Index).serve_forever()
