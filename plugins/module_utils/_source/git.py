# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A git repository as a source: which commit a version is, and its files. Private to the collection."""

from __future__ import annotations

import copy
import os
import re
import shutil
import tempfile
import urllib.parse
from collections.abc import Collection
from typing import IO

from ansible_collections.pyweb.stack.plugins.module_utils._host import shell
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._source import large_files
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests, urls

COMMIT = re.compile(r"[0-9a-f]{40}")
# ssh://host/path, or host:path with or without a user; see git-fetch(1).
_BY_SSH = re.compile(r"(?:git\+)?ssh(?:\+git)?://|[^/:]+:(?!//)")
# Seconds that a repository may take for what is asked of it, a fetch of all that it has, too; to be connected to by ssh; and
# to send less than 1000 bytes a second, or by ssh nothing at all.
_SECONDS = 3600
_CONNECTED_BY = 30
_SILENT_FOR = 60
_SLOW = {"GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": str(_SILENT_FOR)}
# Nothing but git itself runs here: no hook, no watcher, and of the filters that the host has none that .gitattributes names.
_ALONE = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never"]
_LFS = ["-c", "filter.lfs.smudge=git-lfs smudge -- %f", "-c", "filter.lfs.required=true"]
_HELPER = '!f() { printf \'username=%s\\npassword=%s\\n\' "$PYWEB_USER" "$PYWEB_PASSWORD"; }; f'


class GitError(Exception):
    """The repository or the version can't be had; the message says which variable and what git said."""


def by_ssh(url: str) -> bool:
    """Return whether git goes through ssh for this URL."""
    return _BY_SSH.match(url) is not None


class Repository:
    """The repository at `url`, of which the target fetches no more than the commit it needs.

    `key` is the text of a private ssh key, to be used alone; `known_hosts` are the host keys that count instead of
    those that the target knows. Neither they nor the credentials in a URL are ever on a disk or in a process list.
    """

    def __init__(self, url: str, key: str | None = None, known_hosts: str | None = None):
        self.url = urls.without_credentials(url) if urls.is_http(url) else url
        self._options, self._secrets = _credential_helper(url) if urls.is_http(url) else ([], {})
        self._files = {name: _in_memory(text) for name, text in (("key", key), ("known_hosts", known_hosts)) if text}
        self._submodule = ""
        self._required = False

    def commit(self, version: str) -> str:
        """Return the commit (40 hexadecimal digits) that a branch, tag or commit stands for.

        A tag wins over a branch of the same name, as everywhere in git. A whole commit is taken as it is.
        """
        if COMMIT.fullmatch(version):
            return version
        listed = self._git("ls-remote", "--", self.url, version, f"{version}^{{}}").splitlines()
        refs = {ref: commit for commit, ref in (line.split("\t") for line in listed)}
        for ref in (f"refs/tags/{version}^{{}}", f"refs/tags/{version}", f"refs/heads/{version}", version):
            if ref in refs:
                return refs[ref]
        raise GitError(
            f"gunicorn_source.version is {version!r}, but {self._shown()} has no such branch or tag; "
            "a commit must be given with all its 40 digits"
        )

    def fetch(self, commit: str, work: str) -> None:
        """Fetch a commit into a repository in the folder `work`."""
        self._git("init", "--quiet", "--bare", f"{work}/repository")
        at = _at(work)
        try:
            self._git(at, "fetch", "--quiet", "--depth=1", "--no-tags", "--", self.url, commit)
        except GitError:
            # Some servers give out only what a branch or tag names.
            self._git(at, "fetch", "--quiet", "--tags", "--", self.url, "+refs/heads/*:refs/heads/*")
        if not self._has(work, f"{commit}^{{commit}}"):
            what = f"gunicorn_source.submodules: {self._submodule}" if self._submodule else "gunicorn_source.version"
            raise GitError(f"{what} is {commit!r}, but {self._shown()} has no such commit{self._way_out()}")

    def mirror(self, folder: str, versions: Collection[str]) -> None:
        """Have all branches and tags, and these commits, in a new repository `folder`, from which others can fetch.

        Only a repository that is reached by ssh can be had so, and the messages are about `gunicorn_requirements_file`.
        """
        self._required = True
        self._git(
            "clone", "--quiet", "--bare", "--template=", "--", self.url, folder, env={"GIT_ALLOW_PROTOCOL": "ssh"}
        )
        at = f"--git-dir={folder}"
        # A branch may have moved on since the commit that a lock has.
        self._git(at, "config", "uploadpack.allowAnySHA1InWant", "true")
        for commit in filter(COMMIT.fullmatch, versions):
            if self._run(at, "cat-file", "-e", commit).returncode:
                self._git(at, "fetch", "--quiet", "--", self.url, commit, env={"GIT_ALLOW_PROTOCOL": "ssh"})

    def has_submodules(self, commit: str, work: str) -> bool:
        """Return whether a fetched commit says where its submodules are."""
        return self._has(work, f"{commit}:.gitmodules")

    def export(self, commit: str, work: str, folder: str, submodules: bool) -> None:
        """Write the files of a fetched commit to an empty `folder`, without the repository itself."""
        index = {"GIT_INDEX_FILE": f"{work}/index"}
        self._git(_at(work), "read-tree", commit, env=index)
        write = [_at(work), f"--work-tree={folder}", "checkout-index", "--force"]
        _let_filter(work, "-filter")
        self._git(*write, "--all", env=index)
        pointers = self._of_lfs(work, large_files.pointers(folder))
        if pointers:
            self._fetch_large_files(commit, work, pointers)
            _let_filter(work, "filter=lfs")
            self._git(*_LFS, *write, "-z", "--stdin", env=index, stdin="\0".join(pointers))
        if submodules and self.has_submodules(commit, work):
            # The index, unlike the commit, can't hold a path that leads out of the folder.
            for line in self._git(_at(work), "ls-files", "--stage", "-z", env=index).split("\0"):
                if line.startswith("160000 "):
                    inner, path = line.split(" ", 2)[1], line.partition("\t")[2]
                    there = tempfile.mkdtemp(dir=work)
                    repository = self._inner(path, self._urls(commit, work).get(path))
                    repository.fetch(inner, there)
                    repository.export(inner, there, os.path.join(folder, path), submodules)

    def _of_lfs(self, work: str, paths: list[str]) -> list[str]:
        """Return those of the paths that .gitattributes gives to Git LFS: another that looks so is what it is."""
        if not paths:
            return []
        _let_filter(work, "")
        asked = ["check-attr", "--cached", "-z", "--stdin", "filter"]
        told = self._git(_at(work), *asked, env={"GIT_INDEX_FILE": f"{work}/index"}, stdin="\0".join(paths)).split("\0")
        return [path for path, filtered in zip(told[::3], told[2::3], strict=False) if filtered == "lfs"]

    def _fetch_large_files(self, commit: str, work: str, pointers: list[str]) -> None:
        """Fetch what files of Git LFS stand for. Raises GitError, with the name of one of them."""
        what = f"it has files in Git LFS, such as {pointers[0]}"
        if not shutil.which("git-lfs"):
            raise GitError(f"gunicorn_packages: list git-lfs for {self._shown()}: {what}")
        done = self._run("-c", f"remote.origin.url={self.url}", _at(work), "lfs", "fetch", "origin", commit)
        if done.returncode:
            said = urls.without_credentials(done.stderr.strip() or done.stdout.strip())
            raise GitError(f"gunicorn_source.git: {self._shown()} can't be read: {what}: {said}")

    def _urls(self, commit: str, work: str) -> dict[str, str]:
        """Return where a fetched commit has its submodules, by their paths."""
        listed = self._git(_at(work), "config", f"--blob={commit}:.gitmodules", "--null", "--list").split("\0")
        settings = dict(line.split("\n", 1) for line in listed if "\n" in line)
        paths = {key[: -len(".path")]: path for key, path in settings.items() if key.endswith(".path")}
        return {path: settings[f"{name}.url"] for name, path in paths.items() if f"{name}.url" in settings}

    def _inner(self, path: str, url: str | None) -> Repository:
        """Return the repository of a submodule, to be had with the same key and credentials."""
        repository = copy.copy(self)
        repository._submodule = os.path.join(self._submodule, path)
        if url is None:
            raise GitError(f"gunicorn_source.submodules: {path} has no URL in .gitmodules{repository._way_out()}")
        repository.url = _resolved(url, self.url)
        return repository

    def _has(self, work: str, what: str) -> bool:
        return not self._run(_at(work), "cat-file", "-e", what).returncode

    def _git(self, *arguments: str, env: dict[str, str] | None = None, stdin: str = "") -> str:
        done = self._run(*arguments, env=env, stdin=stdin)
        if done.returncode:
            raise GitError(self._explained(urls.without_secrets(done.stderr.strip())))
        return done.stdout

    def _run(self, *arguments: str, env: dict[str, str] | None = None, stdin: str = "") -> Done:
        environment = {**os.environ, **self._secrets, "GIT_SSH_COMMAND": self._ssh(), **(env or {})}
        # Never wait for a password: there is nobody to type it.
        environment.update(_SLOW, GIT_TERMINAL_PROMPT="0", LC_ALL="C.UTF-8")
        if self._submodule:
            # As git does it: who writes a repository must not have root read others on this host.
            environment["GIT_PROTOCOL_FROM_USER"] = "0"
        argv = ["git", *_ALONE, *self._options, *arguments]
        try:
            # The input is names of files.
            given = {"stdin": stdin, "errors": "surrogateescape"} if stdin else {}
            return shell.run(argv, identity=shell.CALLER, sandbox=None, seconds=_SECONDS, env=environment, **given)
        except shell.Overdue as error:
            raise GitError(self._explained(f"it did not answer to the end within {_SECONDS} s")) from error

    def _ssh(self) -> str:
        command = f"ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout={_CONNECTED_BY}"
        command += f" -o ServerAliveInterval={_SILENT_FOR // 4} -o ServerAliveCountMax=4"
        if "key" in self._files:
            command += f" -o IdentitiesOnly=yes -o IdentityAgent=none -i {_path(self._files['key'])}"
        if "known_hosts" in self._files:
            only = _path(self._files["known_hosts"])
            command += f" -o UserKnownHostsFile={only} -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no"
        return command

    def _explained(self, said: str) -> str:
        known = "gunicorn_source.known_hosts"
        if "REMOTE HOST IDENTIFICATION HAS CHANGED" in said:
            where = known if "known_hosts" in self._files else "the target's own known_hosts"
            return (
                f"{known}: the server of {self._shown()} shows another host key than {where} has for it: somebody may be "
                f"between. If it was really given a new one, put the line that ssh-keyscan prints into {known}"
            )
        if "Host key verification failed" in said:
            where = "it has" if "known_hosts" in self._files else "the target itself has"
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
        self._work = ""

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
        """Fetch it into the folder `work` and return what it is named by."""
        self._work = work
        self._repository.fetch(self._commit, work)
        return self._name(self._repository.has_submodules(self._commit, work))

    def export(self, folder: str) -> None:
        """Write its files to an empty folder."""
        self._repository.export(self._commit, self._work, folder, self._submodules)

    def _name(self, has_submodules: bool) -> str:
        # A commit also says what its submodules are, so its name is that of the whole.
        if self._submodules or not has_submodules:
            return self._commit
        return digests.of({"commit": self._commit, "submodules": False})[: digests.LENGTH]


def _at(work: str) -> str:
    return f"--git-dir={work}/repository"


def _let_filter(work: str, attribute: str) -> None:
    """Have this attribute say by which filter files go, whatever .gitattributes does, or none of it; see gitattributes(5)."""
    info = f"{work}/repository/info"
    os.makedirs(info, exist_ok=True)
    with open(f"{info}/attributes", "w", encoding="utf-8") as file:
        file.write(f"* {attribute}\n")


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


def _in_memory(text: str) -> IO[str]:
    """Return a file for this process and those it starts: on no disk, and gone however this process ends."""
    file = os.fdopen(os.memfd_create("pyweb-stack"), "w", encoding="utf-8")
    # ssh takes no key that others might read, and none without its last newline.
    os.fchmod(file.fileno(), 0o600)
    file.write(text.strip() + "\n")
    file.flush()
    return file


def _path(file: IO[str]) -> str:
    return f"/proc/{os.getpid()}/fd/{file.fileno()}"


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
