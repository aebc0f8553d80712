"""Print what each step of a deploy changes, as JSON; runs on the server."""

import json
import os
import pathlib

print(
    json.dumps(
        {
            "releases": sorted(os.listdir("/srv/notes/releases")),
            "serves": os.readlink("/srv/notes/current"),
            "site": pathlib.Path("/etc/nginx/sites-available/gunicorn-notes").read_text(),
        }
    )
)
