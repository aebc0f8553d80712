# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A git repository as a source: which commit a version is, and its files. Private to the collection."""

from __future__ import annotations

import os
import re
import tempfile

from ansible_collections.pyweb.stack.plugins.module_utils import _command

_COMMIT = re.compile(r"[0-9a-f]{40}")


class GitError(Exception):
    """The repository or the version can't be had; the message says which variable and what git said."""


class Repository:
    """The repository at I(url), of which the target fetches no more than the commit it needs."""

    def __init__(self, url: str):
        self.url = url

    def commit(self, version: str) -> str:
        """Return the commit (40 hexadecimal digits) that a branch, tag or commit stands for.

        A tag wins over a branch of the same name, as everywhere in git. A whole commit is taken as it is.
        """
        if _COMMIT.fullmatch(version):
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

    def export(self, commit: str, folder: str) -> None:
        """Write the files of a commit to an empty I(folder), without the repository itself."""
        with tempfile.TemporaryDirectory(dir=os.path.dirname(folder), prefix=".stage-") as work:
            at = f"--git-dir={work}/repository"
            self._git("init", "--quiet", "--bare", f"{work}/repository")
            try:
                self._git(at, "fetch", "--quiet", "--depth=1", "--no-tags", "--", self.url, commit)
            except GitError:
                # Some servers give out only what a branch or tag names.
                self._git(at, "fetch", "--quiet", "--tags", "--", self.url, "+refs/heads/*:refs/heads/*")
            try:
                self._git(at, "cat-file", "-e", f"{commit}^{{commit}}")
            except GitError as error:
                raise GitError(
                    f"gunicorn_source.version is {commit!r}, but {self._shown()} has no such commit"
                ) from error
            index = {"GIT_INDEX_FILE": f"{work}/index"}
            self._git(at, "read-tree", commit, env=index)
            self._git(at, f"--work-tree={folder}", "checkout-index", "--all", "--force", env=index)

    def _git(self, *arguments: str, env: dict | None = None) -> str:
        # Never wait for a password: there is nobody to type it.
        environment = {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes", **os.environ, **(env or {})}
        environment.update(GIT_TERMINAL_PROMPT="0", LC_ALL="C.UTF-8")
        done = _command.run(["git", *arguments], env=environment)
        if done.returncode:
            said = _without_credentials(done.stderr.strip())
            raise GitError(f"gunicorn_source.git: {self._shown()} can't be read: {said}")
        return done.stdout

    def _shown(self) -> str:
        return _without_credentials(self.url)


def _without_credentials(text: str) -> str:
    return re.sub(r"(\w+://)[^/\s]+@", r"\1", text)
