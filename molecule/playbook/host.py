"""What of the server is to be as it was when an app has come and gone; runs on the server."""

import hashlib
import os
import stat
import subprocess

# What changes by itself: logs, caches, Ansible's own, accounts before the last edit.
MOVING = [
    *(
        "/dev",
        "/proc",
        "/sys",
        "/tmp",
        "/run/log",
        "/run/pyweb-stack",
        "/run/systemd",
        "/run/udev",
        "/root/.ansible",
        "/root/.ansible_async",
    ),
    *("/var/cache/apt", "/var/cache/pyweb-stack", "/var/lib/apt", "/var/lib/systemd", "/var/log", "/var/tmp"),
    *("/etc/group-", "/etc/gshadow-", "/etc/passwd-", "/etc/shadow-"),
]


def line(path):
    """Return what there is to say of a path."""
    info = os.lstat(path)
    said = [path, stat.filemode(info.st_mode), info.st_uid, info.st_gid]
    if stat.S_ISLNK(info.st_mode):
        said.append(os.readlink(path))
    elif stat.S_ISREG(info.st_mode) and path.startswith("/etc/"):
        # What is given back is as it was, but new.
        with open(path, "rb") as file:
            said.append(hashlib.sha256(file.read()).hexdigest())
    elif stat.S_ISREG(info.st_mode):
        said += [info.st_size, info.st_mtime_ns]
    return " ".join(map(str, said))


for folder, folders, files in os.walk("/"):
    paths = [os.path.join(folder, name) for name in sorted(folders + files)]
    folders[:] = [name for name in folders if os.path.join(folder, name) not in MOVING]
    # Python compiles what it meets.
    print(*(line(path) for path in paths if path not in MOVING and "/__pycache__" not in path), sep="\n")
for argv in (
    ["systemctl", "list-units", "--all", "--plain", "--no-legend", "gunicorn-*", "system-gunicorn*", "nginx*"],
    ["systemctl", "list-unit-files", "--no-legend", "gunicorn-*"],
    ["ss", "--listening", "--no-header", "--tcp", "--unix", "--numeric"],
):
    rows = [row.split() for row in subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()]
    if argv[0] == "ss":
        # The third column counts the visitors who wait at that moment.
        rows = [row[:2] + row[3:] for row in rows]
    print(*sorted(map(" ".join, rows)), sep="\n")
