"""What there is of an app from a repository; runs on the server, with the edition to be served and its environments."""

import json
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

APP = pathlib.Path("/srv/guest_book")
RELEASE = (APP / "current").resolve()


def get(host):
    """Return status and body of the page of a host."""
    try:
        with urllib.request.urlopen(urllib.request.Request("http://127.0.0.1/", headers={"Host": host})) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def check(claim, truth):
    """End with the claim if it isn't true."""
    if not truth:
        sys.exit(f"not so: {claim}")


edition = sys.argv[1]
record = json.loads((RELEASE / "release.json").read_text())
units = subprocess.run(
    ["systemctl", "list-units", "--plain", "--no-legend", "gunicorn-guest_book@*"],
    capture_output=True,
    text=True,
    check=True,
).stdout.split("\n")

check("the site's name leads to the app", get("guestbook.example.com")[0] == 200)
check("its edition is served", ("second edition" in get("guestbook.example.com")[1]) == (edition == "second"))
check("a name that is nobody's does not lead to the app", "Guest book" not in get("other.example.com")[1])
check("the version is on record", record["version"] == {"first": "v1", "second": "main"}[edition])
check("memory decided on the workers", (record["plan"]["limit"], record["plan"]["workers"]) == ("memory", 3))
check("only one release runs", len([unit for unit in units if ".service" in unit]) == 1)
check("what runs is what serves", RELEASE.name in units[0])
check("releases share their environments", len(list((APP / "venvs").iterdir())) == int(sys.argv[2]))
check(
    "no socket is left of another",
    [path.stem for path in pathlib.Path("/run/gunicorn-guest_book").iterdir()] == [RELEASE.name],
)
check("nothing half-built is left", not [path for path in APP.glob("*/*") if path.name.startswith(".")])
check("the hashes were installed", "django==5.2.19" in (RELEASE / "venv" / "installed.txt").read_text())
check("the repository is no part of the source", not os.path.exists(RELEASE / "src" / ".git"))
