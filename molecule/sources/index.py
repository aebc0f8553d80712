"""A package index (PEP 503) of the wheels in a folder, and git repositories, for those who know the password of each."""

import base64
import http.server
import pathlib

FOLDER = pathlib.Path("/opt/private")


class Index(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0].strip("/")
        # In one piece, the search for secrets that are told would find it in here.
        password = "planted-" + ("git" if ".git/" in path else "index")
        if self.headers["Authorization"] != "Basic " + base64.b64encode(f"reader:{password}".encode()).decode():
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()
            return
        listed = path.startswith("simple/")
        body = self._links(path.partition("/")[2]) if listed else self._file(path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "text/html" if listed else "application/octet-stream")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    do_HEAD = do_GET

    def _links(self, name):
        names = [path.name for path in (FOLDER / "wheels").glob(f"{name}-*.whl")]
        return "".join(f'<a href="/wheels/{each}">{each}</a>\n' for each in names).encode()

    def _file(self, path):
        return (FOLDER / path).read_bytes() if (FOLDER / path).is_file() else None


http.server.ThreadingHTTPServer(("127.0.0.1", 8002), Index).serve_forever()
