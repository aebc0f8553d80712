"""Write down every command line with a secret in it, and every environment of an account that is not to have it.

Runs on the server until it is ended; looks about two hundred times a second.
"""

import os
import pathlib
import pwd
import re
import time

PLANTED = re.compile(rb"planted[-][a-z-]+")
SEEN = pathlib.Path("/opt/seen")


def look(process):
    """Return the secrets that a process shows, and to whom."""
    command = (process / "cmdline").read_bytes()
    owner = process.stat().st_uid
    apps = owner and pwd.getpwuid(owner).pw_gecos.startswith("App ")
    environment = b"" if owner == 0 or apps else (process / "environ").read_bytes()
    return PLANTED.search(command), PLANTED.search(environment), command


SEEN.write_text("")
while True:
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            in_command, in_environment, command = look(pathlib.Path("/proc", name))
        except (OSError, KeyError):
            continue
        if in_command or in_environment:
            with SEEN.open("ab") as seen:
                seen.write(command.replace(b"\0", b" ") + b"\n")
    time.sleep(0.005)
