"""Makes on the server what is used against it: packages, work trees, archives, and what they are after. Runs once."""

import gzip
import io
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

HERE = pathlib.Path("/opt/hostile")
PROJECTS, WHEELS = HERE / "projects", HERE / "wheels"
TRIES = HERE / "tries.py"


def run(*argv, **options):
    """Run a command that has to work."""
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, **options)


def secrets():
    """Lay out what is to be stolen, or to be written to."""
    run("useradd", "--create-home", "--shell=/bin/bash", "mallet")
    for path in ("/root/secret", "/home/mallet/secret", "/etc/ssh/ssh_host_ed25519_key"):
        pathlib.Path(path).write_text("planted-secret\n")
    (HERE / "open").mkdir()
    (HERE / "open").chmod(0o1777)
    (HERE / "precious").write_text("as it was\n")
    certificate = [
        "-keyout",
        "/etc/ssl/private/shop.key",
        "-out",
        "/etc/ssl/certs/shop.pem",
        "-subj",
        "/CN=shop.example.com",
    ]
    run(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "99",
        *certificate,
        stderr=subprocess.DEVNULL,
    )
    # What looks like an app's folder at first sight.
    pathlib.Path("/srv/tls").mkdir()
    shutil.copy("/etc/ssl/private/shop.key", "/srv/tls/key")
    shutil.copy("/etc/ssl/certs/shop.pem", "/srv/tls/cert")


def packages():
    """Fill a folder of packages: honest ones, two that run code when they are built, one wherever Python starts."""
    pip = [
        sys.executable,
        f"{next(pathlib.Path('/usr/share/python-wheels').glob('pip-*.whl'))}/pip",
        "download",
        "--quiet",
    ]
    run(
        *pip,
        f"--dest={WHEELS}",
        "--only-binary=:all:",
        "gunicorn==27.0.1",
        "uv==0.13.9",
        "django<5.3",
        "setuptools",
        "wheel",
    )
    for name in ("builder", "legacy"):
        with tarfile.open(WHEELS / f"{name}-1.0.tar.gz", "w:gz") as archive:
            for path in [*(HERE / "packages" / name).iterdir(), TRIES]:
                archive.add(path, f"{name}-1.0/{path.name}")
            archive.addfile(*entry(f"{name}-1.0/PKG-INFO", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"))
    with zipfile.ZipFile(WHEELS / "startup-1.0-py3-none-any.whl", "w") as wheel:
        for path in [*(HERE / "packages/startup").iterdir(), TRIES]:
            wheel.write(path, path.name)
        about = "startup-1.0.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: startup\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "startup.py,,\n")


def entry(name, text="", **what):
    """Return an entry of a tar archive and its content."""
    info = tarfile.TarInfo(name)
    info.size = len(text)
    for key, value in what.items():
        setattr(info, key, value)
    return info, io.BytesIO(text.encode())


def archives():
    """Pack what must not be unpacked."""
    shapes = {
        "link": [entry("shadow", type=tarfile.SYMTYPE, linkname="/etc/shadow")],
        "chain": [
            entry("a", type=tarfile.SYMTYPE, linkname="."),
            entry("a/b", type=tarfile.SYMTYPE, linkname=".."),
            entry("a/b/c", type=tarfile.SYMTYPE, linkname="../../../opt/hostile"),
        ],
        "hard": [entry("shadow", type=tarfile.LNKTYPE, linkname="/etc/shadow")],
        "device": [entry("memory", type=tarfile.CHRTYPE, devmajor=1, devminor=1)],
        "name": [entry("../../../../../opt/hostile/open/name", "evil")],
    }
    for name, entries in shapes.items():
        with tarfile.open(PROJECTS / f"{name}.tar.gz", "w:gz", compresslevel=1) as archive:
            for each in (entry("mallory.py", "app = None\n"), *entries):
                archive.addfile(*each)
    # More files than any app has, be they of one name.
    with gzip.open(PROJECTS / "many.tar.gz", "wb", compresslevel=1) as file:
        file.write(tarfile.TarInfo("file").tobuf() * 200_001 + bytes(1024))
    with zipfile.ZipFile(PROJECTS / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mallory.py", "app = None\n")
        with archive.open("zeros", "w", force_zip64=True) as file:
            for _mebibyte in range(128):
                file.write(bytes(1 << 20))


def git(folder, *arguments):
    """Run git as the owner of the work trees."""
    who = ["-c", "user.name=m", "-c", "user.email=m@example.com"]
    run("runuser", "--user=mallet", "--", "git", "-C", str(folder), *who, *arguments, stderr=subprocess.DEVNULL)


def work_trees():
    """Make git work trees of an account without rights."""
    trees = {name: PROJECTS / "of-mallet" / name for name in ("promisor", "inward", "outward")}
    for folder in trees.values():
        (folder / "far").mkdir(parents=True)
        shutil.copy(HERE / "victim/shop.py", folder / "mallory.py")
        (folder / "far/file").touch()
    run("chown", "--recursive", "mallet:", str(PROJECTS / "of-mallet"))
    for folder in trees.values():
        git(folder, "init", "--quiet")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message=first")

    # A folder of the index is to be had from a server, and how that is reached the work tree says itself.
    promisor = trees["promisor"]
    git(promisor, "sparse-checkout", "set", "--cone", "--sparse-index", "near")
    tree = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", promisor, "rev-parse", "HEAD:far"],
        capture_output=True,
        text=True,
        check=True,
    )
    (promisor / ".git/objects" / tree.stdout[:2] / tree.stdout[2:].strip()).unlink()
    with open(promisor / ".git/config", "a", encoding="utf-8") as config:
        command = f'{sys.executable} {TRIES} "the ssh command of a work tree"'.replace('"', '\\"')
        config.write(f'[core]\n\tsshCommand = "{command} #"\n\trepositoryFormatVersion = 1\n')
        config.write(
            '[extensions]\n\tpartialClone = origin\n[remote "origin"]\n\turl = ssh://127.0.0.1/none\n\tpromisor = true\n'
        )

    # Git's index has a file in what is a link now: to what only root reads, and to a place beside the copy.
    inward = trees["inward"]
    (inward / "root").mkdir()
    (inward / "root/secret").touch()
    git(inward, "add", "--force", "root/secret")
    shutil.rmtree(inward / "root")
    (inward / "root").symlink_to("/root")
    (inward / ".git/info/exclude").write_text("/root\n")
    # From the work tree that is /opt/hostile/beside, from the copy of it, which lies less deep, /hostile/beside.
    outward = trees["outward"]
    (HERE / "beside").mkdir()
    pathlib.Path("/hostile/beside").mkdir(parents=True)
    for number in range(8):
        (HERE / f"beside/{number}").write_text("evil\n")
        (outward / f"link{number}").mkdir()
        (outward / f"link{number}/{number}").touch()
    git(outward, "add", "--force", ".")
    for number in range(8):
        shutil.rmtree(outward / f"link{number}")
        (outward / f"link{number}").symlink_to("../../../../hostile/beside")
    run("chown", "--recursive", "--no-dereference", "mallet:", str(PROJECTS / "of-mallet"))


def repositories():
    """Make repositories that are given out by HTTP: a plain one, and a small one with more files than there are disks for."""
    for name in ("served", "bomb"):
        folder = str(PROJECTS / f"{name}.git")
        run("git", "init", "--quiet", "--bare", "--initial-branch=main", folder)
        kind, what = "blob", made(folder, "hash-object", "-w", "--stdin", stdin="app = None\n")
        for _level in range(10 if name == "bomb" else 1):
            mode = "100644" if kind == "blob" else "040000"
            names = range(10) if name == "bomb" else ["mallory.py"]
            kind, what = (
                "tree",
                made(folder, "mktree", stdin="".join(f"{mode} {kind} {what}\t{each}\n" for each in names)),
            )
        commit = made(folder, "-c", "user.name=m", "-c", "user.email=m@example.com", "commit-tree", what, "-m", "first")
        made(folder, "update-ref", "refs/heads/main", commit)
        made(folder, "update-server-info")


def made(folder, *arguments, stdin=""):
    """Return what git says that it made in a repository."""
    done = subprocess.run(["git", "-C", folder, *arguments], input=stdin, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def projects():
    """Lay out the sources of apps."""
    shutil.copytree(HERE / "app", PROJECTS / "mallory")
    shutil.copy(TRIES, PROJECTS / "mallory")
    shutil.copytree(HERE / "gallery", PROJECTS / "gallery")
    for name, line in (
        ("requirement", "-r file:///srv/shop/current/env"),
        ("constraint", "-c file:///srv/shop/current/env"),
    ):
        shutil.copytree(HERE / "app", PROJECTS / name)
        (PROJECTS / name / "requirements.txt").write_text(f"{line}\n")


if not (HERE / "ready").exists():
    secrets()
    packages()
    projects()
    archives()
    work_trees()
    repositories()
    (HERE / "ready").touch()
