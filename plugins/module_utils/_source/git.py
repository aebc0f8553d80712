# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A git repository as a source: which commit a version is, and its files. Private to the collection."""

from __future__ import annotations

import contextlib
import copy
import os
import re
import shutil
import tempfile
import urllib.parse
from collections.abc import Collection, Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import sealing, shell
from ansible_collections.pyweb.stack.plugins.module_utils._host.accounts import AccountError
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._source import git_sandbox, parents
from ansible_collections.pyweb.stack.plugins.module_utils._source.git_sandbox import Git
from ansible_collections.pyweb.stack.plugins.module_utils._source.ssh import Ssh
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests, urls

COMMIT = re.compile(r"[0-9a-f]{40}")
_LFS = [
    "-c",
    "filter.lfs.smudge=git-lfs smudge -- %f",
    "-c",
    "filter.lfs.required=true",
    "-c",
    "lfs.ssh.automultiplex=false",
]
# How a file begins that stands for one of Git LFS; see its specification.
_POINTER = "^version https://git-lfs[.]github[.]com/spec/v1$"
_HELPER = '!f() { printf \'username=%s\\npassword=%s\\n\' "$PYWEB_USER" "$PYWEB_PASSWORD"; }; f'


class GitError(Exception):
    """The repository or the version can't be had; the message says which variable and what git said."""


class Repository:
    """The repository at `url`, of which the target fetches no more than the commit it needs.

    `key` is the text of a private ssh key, to be used alone; `known_hosts` are the host keys that count instead of
    those that the target knows. Neither they nor the credentials in a URL are ever on a disk or in a process list.
    """

    def __init__(self, url: str, key: str | None = None, known_hosts: str | None = None):
        self.url = urls.without_credentials(url) if urls.is_http(url) else url
        self._options, self._secrets = _credential_helper(url) if urls.is_http(url) else ([], {})
        self._ssh = Ssh(key, known_hosts)
        self._submodule = ""
        self._required = False

    def commit(self, version: str) -> str:
        """Return the commit (40 hexadecimal digits) that a branch, tag or commit stands for.

        A tag wins over a branch of the same name, as everywhere in git. A whole commit is taken as it is.
        """
        if COMMIT.fullmatch(version):
            return version
        with self._entered() as git:
            listed = self._said(git("ls-remote", "--", self.url, version, f"{version}^{{}}")).splitlines()
        refs = {ref: commit for commit, ref in (line.split("\t") for line in listed)}
        for ref in (f"refs/tags/{version}^{{}}", f"refs/tags/{version}", f"refs/heads/{version}", version):
            if ref in refs:
                return refs[ref]
        raise GitError(
            f"gunicorn_source.version is {version!r}, but {self._shown()} has no such branch or tag; "
            "a commit must be given with all its 40 digits"
        )

    def fetch(self, commit: str, work: str, submodules: bool) -> tuple[str, bool]:
        """Fetch a commit by way of the folder `work`, with its submodules or without; only root can enter that.

        Returns the folder that has its files, without the repository itself, and whether it says where submodules are.
        """
        room = _room(os.path.join(work, "git"))
        with self._entered(room) as outer:
            git = outer.of(room)
            self._fetch(git, commit)
            self._refuse_bomb(git, commit)
            self._write(git, commit, room)
            inner = self._modules(git, commit)
        folder = os.path.join(room, "files")
        for path, (its_commit, url) in inner.items() if submodules else ():
            there = tempfile.mkdtemp(dir=work)
            files, _has = self._inner(path, url).fetch(its_commit, there, submodules)
            # An empty folder is in its place. What is on the way to it, others made.
            with parents.of(folder, path) as (parent, name):
                os.rename(files, name, dst_dir_fd=parent)
        return folder, os.path.lexists(os.path.join(folder, ".gitmodules"))

    def mirror(self, folder: str, versions: Collection[str]) -> None:
        """Have all branches and tags, and these commits, in a new repository `folder`, from which others can fetch.

        Only root can enter the folder above. Only a repository that is reached by ssh can be had so, and the messages are
        about `gunicorn_requirements_file`.
        """
        self._required = True
        _room(folder)
        by_ssh_alone = {"GIT_ALLOW_PROTOCOL": "ssh"}
        with self._entered(folder) as git:
            self._said(git("clone", "--quiet", "--bare", "--template=", "--", self.url, folder, env=by_ssh_alone))
            at = f"--git-dir={folder}"
            # A branch may have moved on since the commit that a lock has.
            self._said(git(at, "config", "uploadpack.allowAnySHA1InWant", "true"))
            for commit in filter(COMMIT.fullmatch, versions):
                if git(at, "cat-file", "-e", commit).returncode:
                    self._said(git(at, "fetch", "--quiet", "--", self.url, commit, env=by_ssh_alone))
        sealing.seal(folder)

    def _fetch(self, git: Git, commit: str) -> None:
        """Fetch a commit into a new repository."""
        self._said(git("init", "--quiet", "--bare"))
        if git("fetch", "--quiet", "--depth=1", "--no-tags", "--", self.url, commit).returncode:
            # Some servers give out only what a branch or tag names.
            self._said(git("fetch", "--quiet", "--tags", "--", self.url, "+refs/heads/*:refs/heads/*"))
        if git("cat-file", "-e", f"{commit}^{{commit}}").returncode:
            what = f"gunicorn_source.submodules: {self._submodule}" if self._submodule else "gunicorn_source.version"
            raise GitError(f"{what} is {commit!r}, but {self._shown()} has no such commit{self._way_out()}")

    def _refuse_bomb(self, git: Git, commit: str) -> None:
        """Raise GitError for a commit that has more than any app would, though it was small to fetch."""
        sizes = git.first_lines(sealing.MOST_FILES + 1, "ls-tree", "-r", "--format=%(objectsize)", commit)
        try:
            sealing.refuse_excess(len(sizes), sum(int(size) for size in sizes if size.isdecimal()))
        except sealing.ExcessError as error:
            raise GitError(f"gunicorn_source.git: {self._shown()}: {error}") from error

    def _write(self, git: Git, commit: str, room: str) -> None:
        """Write the files of a fetched commit to `room`/files."""
        self._said(git("read-tree", commit))
        folder = os.path.join(room, "files")
        git.beside(["mkdir", folder])
        write = [f"--work-tree={folder}", "checkout-index", "--force"]
        _let_filter(git, room, "-filter")
        self._said(git(*write, "--all"))
        pointers = self._of_lfs(git, room)
        if pointers:
            self._fetch_large_files(git, commit, pointers)
            _let_filter(git, room, "filter=lfs")
            self._said(git(*_LFS, *write, "-z", "--stdin", stdin="\0".join(pointers)))

    def _of_lfs(self, git: Git, room: str) -> list[str]:
        """Return the files that stand for one of Git LFS, and that .gitattributes gives to it: another is what it is."""
        paths = git("grep", "--cached", "--files-with-matches", "-I", "-z", "-e", _POINTER).stdout
        if not paths:
            return []
        _let_filter(git, room, "")
        told = self._said(git("check-attr", "--cached", "-z", "--stdin", "filter", stdin=paths)).split("\0")
        return [path for path, filtered in zip(told[::3], told[2::3], strict=False) if filtered == "lfs"]

    def _fetch_large_files(self, git: Git, commit: str, pointers: list[str]) -> None:
        """Fetch what files of Git LFS stand for. Raises GitError, with the name of one of them."""
        what = f"it has files in Git LFS, such as {pointers[0]}"
        if not shutil.which("git-lfs"):
            raise GitError(f"gunicorn_packages: list git-lfs for {self._shown()}: {what}")
        done = git(*_LFS, "-c", f"remote.origin.url={self.url}", "lfs", "fetch", "origin", commit)
        if done.returncode:
            said = urls.without_credentials(done.stderr.strip() or done.stdout.strip())
            raise GitError(f"gunicorn_source.git: {self._shown()} can't be read: {what}: {said}")

    def _modules(self, git: Git, commit: str) -> dict[str, tuple[str, str | None]]:
        """Return the commits of a fetched commit's submodules, and where it says that they are, by their paths."""
        # The index, unlike the commit, can't hold a path that leads out of the folder.
        entries = self._said(git("ls-files", "--stage", "-z")).split("\0")
        commits = {
            path: entry.split(" ")[1]
            for entry, _tab, path in (each.partition("\t") for each in entries)
            if entry[:7] == "160000 "
        }
        if git("cat-file", "-e", f"{commit}:.gitmodules").returncode:
            return {}
        listed = self._said(git("config", f"--blob={commit}:.gitmodules", "--null", "--list")).split("\0")
        settings = dict(line.split("\n", 1) for line in listed if "\n" in line)
        names = {path: key[: -len(".path")] for key, path in settings.items() if key.endswith(".path")}
        return {path: (its, settings.get(f"{names.get(path)}.url")) for path, its in commits.items()}

    def _inner(self, path: str, url: str | None) -> Repository:
        """Return the repository of a submodule, to be had with the same key and credentials."""
        repository = copy.copy(self)
        repository._submodule = os.path.join(self._submodule, path)
        if url is None:
            raise GitError(f"gunicorn_source.submodules: {path} has no URL in .gitmodules{repository._way_out()}")
        repository.url = _resolved(url, self.url)
        return repository

    @contextlib.contextmanager
    def _entered(self, work: str | None = None) -> Iterator[Git]:
        # As git does it: who writes a repository must not have others of this host read.
        environment = {**self._secrets, **({"GIT_PROTOCOL_FROM_USER": "0"} if self._submodule else {})}
        try:
            with git_sandbox.entered(self.url, self._ssh, self._options, environment, work) as git:
                yield git
        except shell.Overdue as error:
            raise GitError(self._explained(f"it did not answer to the end within {git_sandbox.SECONDS} s")) from error
        except AccountError as error:
            raise GitError(self._explained(str(error))) from error

    def _said(self, done: Done) -> str:
        if done.returncode:
            raise GitError(self._explained(urls.without_secrets(done.stderr.strip())))
        return done.stdout

    def _explained(self, said: str) -> str:
        known = "gunicorn_source.known_hosts"
        if "REMOTE HOST IDENTIFICATION HAS CHANGED" in said:
            where = known if self._ssh.knows_hosts else "the target's own known_hosts"
            return (
                f"{known}: the server of {self._shown()} shows another host key than {where} has for it: somebody may be "
                f"between. If it was really given a new one, put the line that ssh-keyscan prints into {known}"
            )
        if "Host key verification failed" in said:
            where = "it has" if self._ssh.knows_hosts else "the target itself has"
            return (
                f"{known}: the server of {self._shown()} is unknown: {where} no host key of it. Put the "
                f"line that ssh-keyscan prints into {known}, once you know that it is right: {said.splitlines()[0]}"
            )
        if "Permission denied (" in said:
            said += "\ngunicorn_source.ssh_key must name a private key without a passphrase that may read there"
        if "cannot run ssh" in said:
            said += "\ngunicorn_packages: list openssh-client"
        variable = f"gunicorn_source.submodules: {self._submodule}" if self._submodule else "gunicorn_source.git"
        if self._required:
            variable = "gunicorn_requirements_file or gunicorn_requirements"
        return f"{variable}: {self._shown()} can't be read: {said}{self._way_out()}"

    def _shown(self) -> str:
        return urls.shown(self.url)

    def _way_out(self) -> str:
        return "; with submodules: false the app goes without its submodules" if self._submodule else ""


class Checkout:
    """One commit of a repository as a source, with its submodules or without."""

    def __init__(self, repository: Repository, commit: str, submodules: bool = True):
        self._repository = repository
        self._commit = commit
        self._submodules = submodules
        self._files = ""

    def digest(self, sources: str) -> str | None:
        """Return what it is named by, among the `sources` that are there; None if only a fetch can tell."""
        name = self._name(has_submodules=True)
        if self._submodules or os.path.isdir(os.path.join(sources, name)):
            return name
        whole = os.path.join(sources, self._commit)
        return self._commit if os.path.isdir(whole) and not os.path.exists(f"{whole}/.gitmodules") else None

    def identity(self) -> str:
        """Return what distinguishes it from others, before it is fetched."""
        return self._name(has_submodules=True)

    def fetch(self, work: str) -> str:
        """Fetch it by way of the folder `work`, which only root can enter, and return what it is named by."""
        self._files, has_submodules = self._repository.fetch(self._commit, work, self._submodules)
        return self._name(has_submodules)

    def export(self, folder: str) -> None:
        """Move its files to an empty folder on the same disk."""
        for name in os.listdir(self._files):
            os.rename(os.path.join(self._files, name), os.path.join(folder, name))

    def _name(self, has_submodules: bool) -> str:
        # A commit also says what its submodules are, so its name is that of the whole.
        if self._submodules or not has_submodules:
            return self._commit
        return digests.of({"commit": self._commit, "submodules": False})[: digests.LENGTH]


def _room(folder: str) -> str:
    """Make a folder that every account may write which gets there."""
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    return folder


def _let_filter(git: Git, room: str, attribute: str) -> None:
    """Have this attribute say by which filter files go, whatever .gitattributes does, or none of it; see gitattributes(5)."""
    path = f"{room}/repository/info/attributes"
    git.beside(["install", "-D", "--mode=644", "/dev/stdin", path], stdin=f"* {attribute}\n")


def _credential_helper(url: str) -> tuple[list[str], dict[str, str]]:
    """Return options and environment by which git has the credentials of a URL for all of its host, and no other.

    In the URL itself they would be in the arguments of the programs that git starts.
    """
    user, password = urls.credentials(url)
    if user is None:
        return [], {}
    parts = urllib.parse.urlsplit(urls.without_credentials(url))
    setting = f"credential.{parts.scheme}://{parts.netloc}.helper"
    # The empty one keeps the host's own helpers from storing what they see.
    return ["-c", f"{setting}=", "-c", f"{setting}={_HELPER}"], {"PYWEB_USER": user, "PYWEB_PASSWORD": password}


def _resolved(url: str, parent: str) -> str:
    """Return the URL of a submodule, which may be relative to that of its repository; see git-submodule(1)."""
    parent, separator = parent.rstrip("/"), "/"
    if not url.startswith(("./", "../")):
        return url
    while url.startswith(("./", "../")):
        step, _slash, url = url.partition("/")
        if step == "..":
            separator = "/" if "/" in parent else ":"
            parent = parent.rpartition(separator)[0]
    return f"{parent}{separator}{url}"
