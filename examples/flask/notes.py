"""Notes by name: PUT one, GET it again. Each is a file in the folder that the service may write to."""

import os
import pathlib
import re

import flask

app = flask.Flask(__name__)
FOLDER = pathlib.Path(os.environ.get("STATE_DIRECTORY", "."))


@app.get("/")
def index():
    """List the notes."""
    return "".join(f"{path.stem}\n" for path in sorted(FOLDER.glob("*.note"))), {"Content-Type": "text/plain"}


@app.get("/<name>")
def read(name):
    """Return a note."""
    path = place(name)
    return (path.read_bytes(), {"Content-Type": "text/plain"}) if path.exists() else flask.abort(404)


@app.put("/<name>")
def write(name):
    """Keep a note."""
    place(name).write_bytes(flask.request.get_data())
    return "", 204


def place(name):
    """Return where a note is, if it may be called like this."""
    return FOLDER / f"{name}.note" if re.fullmatch(r"[a-z0-9-]{1,40}", name) else flask.abort(404)
