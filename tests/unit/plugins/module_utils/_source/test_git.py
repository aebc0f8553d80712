# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A git repository as a source; the repositories are real."""

from __future__ import annotations

import base64
import functools
import http.server
import os
import pathlib
import re
import tempfile
import threading

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._source import git as git_source
from ansible_collections.pyweb.stack.plugins.module_utils._source import git_sandbox
from ansible_collections.pyweb.stack.plugins.module_utils._source.git import Checkout, GitError, Repository

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----"
# What git runs for ssh here: it tells what it was given, and is on the server at once.
SSH = """#!/bin/sh
for last; do :; done
echo "$@" >> {told}/argv
while [ $# -gt 1 ]; do
    case $1 in
        -i) stat --dereference --format=%a "$2" >> {told}/modes; cat "$2" >> {told}/keys ;;
        UserKnownHostsFile=*) cat "${{1#*=}}" >> {told}/known_hosts ;;
    esac
    shift
done
eval "$last"
"""


@pytest.fixture
def export(tmp_path):
    """Put the files of a commit into a folder and return that; its name is what the source is named by."""

    def export(repository, commit, submodules=True) -> pathlib.Path:
        checkout = Checkout(repository, commit, submodules)
        folder = tmp_path / "sources" / checkout.fetch(tempfile.mkdtemp(dir=tmp_path))
        folder.mkdir(parents=True)
        checkout.export(str(folder))
        return folder

    return export


@pytest.fixture(scope="module")
def origin(tmp_path_factory, git, write):
    """Return a repository with three commits, of which the first has no name."""
    folder = write(tmp_path_factory.mktemp("origin"), {"app.py": "zero", "bin/run": "#!/bin/sh\n"})
    (folder / "bin/run").chmod(0o755)
    (folder / "link").symlink_to("app.py")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "zero")
    write(folder, {"app.py": "one"})
    git(folder, "commit", "--quiet", "-a", "-m", "one")
    git(folder, "tag", "v1", "-m", "an annotated tag")
    git(folder, "tag", "both")
    write(folder, {"app.py": "two"})
    git(folder, "commit", "--quiet", "-a", "-m", "two")
    git(folder, "tag", "v2")
    for branch in ("both", "feature/main", "side"):
        git(folder, "branch", branch)
    return folder


@pytest.mark.parametrize(
    ("version", "commit"),
    [
        pytest.param("HEAD", "HEAD", id="the default branch"),
        pytest.param("main", "HEAD", id="a branch, not another that ends like it"),
        pytest.param("feature/main", "HEAD", id="a branch in a folder"),
        pytest.param("v2", "HEAD", id="a tag"),
        pytest.param("v1", "HEAD~", id="the commit of an annotated tag"),
        pytest.param("both", "HEAD~", id="a tag before a branch"),
        pytest.param("refs/heads/both", "HEAD", id="a whole name"),
    ],
)
def test_a_version_stands_for(origin, git, version, commit):
    assert Repository(str(origin)).commit(version) == git(origin, "rev-parse", commit)


def test_a_whole_commit_needs_no_question():
    assert Repository("/nosuch").commit("0123456789" * 4) == "0123456789" * 4


@pytest.mark.parametrize("version", ["nosuch", "ain", "mai", "0123456", "A" * 40])
def test_a_version_that_is_not_there(origin, version):
    said = f"gunicorn_source.version is '{version}', but {origin} has no such branch or tag; .* all its 40 digits"
    with pytest.raises(GitError, match=said):
        Repository(str(origin)).commit(version)


@pytest.mark.parametrize("protocol", ["2", "0"])
@pytest.mark.parametrize(("commit", "text"), [("HEAD", "two"), ("HEAD~2", "zero")])
def test_the_files_of_a_commit(origin, git, export, monkeypatch, protocol, commit, text):
    """The older protocol gives out only commits that have a name."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.version")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", protocol)
    folder = export(Repository(str(origin)), git(origin, "rev-parse", commit))

    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "app.py",
        "bin",
        "bin/run",
        "link",
    ]
    assert (folder / "app.py").read_text() == text
    assert os.access(folder / "bin/run", os.X_OK)
    assert os.readlink(folder / "link") == "app.py"
    assert folder.name == git(origin, "rev-parse", commit)


def test_a_commit_that_is_not_there(origin, export):
    with pytest.raises(GitError, match=f"gunicorn_source.version is '{'a' * 40}', but {origin} has no such commit$"):
        export(Repository(str(origin)), "a" * 40)


def test_a_repository_that_is_not_there(tmp_path):
    with pytest.raises(
        GitError, match=f"gunicorn_source.git: {tmp_path}/nosuch can't be read: .*does not exist|not appear"
    ):
        Repository(f"{tmp_path}/nosuch").commit("main")


@pytest.mark.parametrize("password", ["hunter2", "hun%74er2", "hun@ter2"])
def test_a_password_is_not_shown(password, monkeypatch):
    # Nobody listens on port 1.
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(GitError, match=r"gunicorn_source.git: https://127.0.0.1:1/shop.git can't be read: ") as caught:
        Repository(f"https://me:{password}@127.0.0.1:1/shop.git").commit("main")
    assert "er2" not in str(caught.value)


def test_a_url_is_no_option(tmp_path):
    with pytest.raises(GitError):
        Repository(f"--upload-pack=touch {tmp_path}/touched").commit("main")
    assert os.listdir(tmp_path) == []


@pytest.fixture(scope="module")
def nested(tmp_path_factory, git, write):
    """Return a repository with a submodule that has one, each named relative to the one before; all are bare."""
    top = tmp_path_factory.mktemp("nested")
    for name, inner in (("deep", None), ("lib", "deep"), ("shop", "lib")):
        folder = write(top / "work" / name, {f"{name}.py": name})
        git(folder, "init", "--quiet", "--initial-branch=main")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", "without")
        if inner:
            git(folder, "submodule", "--quiet", "add", str(top / "work" / inner), f"in/{inner}")
            git(folder, "config", "--file=.gitmodules", f"submodule.in/{inner}.url", f"../{inner}.git")
            git(folder, "commit", "--quiet", "-a", "-m", "with")
        git(top, "clone", "--quiet", "--bare", str(folder), f"{name}.git")
    return top


@pytest.fixture
def trusting(monkeypatch):
    """Have git take submodules from folders, which stand in for servers here."""
    for name, value in (("COUNT", "1"), ("KEY_0", "protocol.file.allow"), ("VALUE_0", "always")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)


@pytest.fixture
def ssh(tmp_path, monkeypatch, write):
    """Return the folder where the ssh of this test tells what it was given."""
    program = write(tmp_path, {"bin/ssh": SSH.format(told=tmp_path)}) / "bin/ssh"
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path


def _files(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.usefixtures("trusting")
def test_submodules_come_along_with_theirs(nested, git, export):
    commit = git(nested / "shop.git", "rev-parse", "main")
    folder = export(Repository(str(nested / "shop.git")), commit)
    assert _files(folder) == [".gitmodules", "in/lib/.gitmodules", "in/lib/in/deep/deep.py", "in/lib/lib.py", "shop.py"]
    assert folder.name == commit


def test_a_commit_without_its_submodules_is_another_source(nested, git, export):
    commit = git(nested / "shop.git", "rev-parse", "main")
    folder = export(Repository(str(nested / "shop.git")), commit, submodules=False)
    assert _files(folder) == [".gitmodules", "shop.py"]
    assert re.fullmatch("[0-9a-f]{40}", folder.name)
    assert folder.name != commit


@pytest.mark.parametrize("submodules", [True, False])
def test_a_commit_that_has_none_is_the_same_source_in_any_case(nested, git, export, submodules):
    commit = git(nested / "shop.git", "rev-parse", "main~")
    assert export(Repository(str(nested / "shop.git")), commit, submodules).name == commit


@pytest.mark.usefixtures("trusting")
def test_what_is_there_is_known_without_a_fetch(nested, git, export, tmp_path):
    repository = Repository(str(nested / "shop.git"))
    commit, plain = git(nested / "shop.git", "rev-parse", "main", "main~").splitlines()
    sources = str(tmp_path / "sources")

    assert Checkout(repository, commit).digest(sources) == commit
    assert Checkout(repository, commit, submodules=False).digest(sources) is None
    export(repository, commit)
    assert Checkout(repository, commit, submodules=False).digest(sources) is None
    without = export(repository, commit, submodules=False)
    assert Checkout(repository, commit, submodules=False).digest(sources) == without.name
    export(repository, plain)
    assert Checkout(repository, plain, submodules=False).digest(sources) == plain


def test_a_submodule_may_not_name_a_folder_of_this_host(nested, git, export):
    with pytest.raises(
        GitError,
        match=r"gunicorn_source.submodules: in/lib: .*/lib.git can't be read: .*'file' not allowed.*; with sub",
    ):
        export(Repository(str(nested / "shop.git")), git(nested / "shop.git", "rev-parse", "main"))


@pytest.mark.usefixtures("ssh", "trusting")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            ("--unset", "submodule.in/lib.url"), "in/lib has no URL in .gitmodules; with submodules: false", id="no URL"
        ),
        pytest.param(
            ("submodule.in/lib.url", "../nosuch.git"), r"in/lib: .*/nosuch.git can't be read: (?s:.*); with", id="gone"
        ),
        pytest.param(
            ("submodule.in/lib.url", "../deep.git"), "in/lib is '[0-9a-f]{40}', but .*/deep.git has no such", id="other"
        ),
    ],
)
def test_a_submodule_that_can_not_be_had(nested, git, export, tmp_path, change, said):
    git(tmp_path, "clone", "--quiet", str(nested / "shop.git"), "shop")
    git(tmp_path / "shop", "config", "--file=.gitmodules", *change)
    git(tmp_path / "shop", "commit", "--quiet", "-a", "-m", "broken")
    for name in ("lib", "deep"):
        (tmp_path / f"{name}.git").symlink_to(nested / f"{name}.git")
    with pytest.raises(GitError, match=f"^gunicorn_source.submodules: {said}"):
        export(Repository(str(tmp_path / "shop")), git(tmp_path / "shop", "rev-parse", "HEAD"))


@pytest.mark.alike
@pytest.mark.parametrize("form", ["ssh://git@example.com{}/shop.git", "git@example.com:{}/shop.git"])
def test_a_key_opens_the_repository_and_its_submodules(nested, ssh, export, form):
    repository = Repository(form.format(nested), KEY, "example.com ssh-ed25519 AAAA")
    folder = export(repository, repository.commit("main"))

    assert "in/lib/in/deep/deep.py" in _files(folder)
    times = len((ssh / "argv").read_text().splitlines())
    assert (ssh / "keys").read_text() == f"{KEY}\n" * times
    assert (ssh / "modes").read_text() == "600\n" * times
    assert (ssh / "known_hosts").read_text() == "example.com ssh-ed25519 AAAA\n" * times
    for line in (ssh / "argv").read_text().splitlines():
        assert "StrictHostKeyChecking=yes" in line
        assert "IdentitiesOnly=yes" in line
        assert "GlobalKnownHostsFile=/dev/null" in line
        assert "hunter2" not in line


def test_a_mirror_has_what_builds_may_fetch(nested, ssh, git, tmp_path):
    repository = Repository(f"ssh://git@example.com{nested}/shop.git", KEY, "example.com ssh-ed25519 AAAA")
    repository.mirror(str(tmp_path / "mirror"), ["main"])
    assert git(str(tmp_path / "mirror"), "rev-parse", "main") == git(nested / "shop.git", "rev-parse", "main")
    assert (ssh / "keys").read_text() == f"{KEY}\n"
    with pytest.raises(
        GitError, match=r"^gunicorn_requirements_file or gunicorn_requirements: ssh://example\.com/nosuch can't be read"
    ):
        Repository("ssh://git@example.com/nosuch", KEY).mirror(str(tmp_path / "other"), [])


def test_a_mirror_has_no_other_folder_of_this_host(nested, tmp_path):
    with pytest.raises(GitError, match="'file' not allowed"):
        Repository(f"{nested}/shop.git").mirror(str(tmp_path / "mirror"), [])


def test_host_keys_are_checked_whatever_the_host_is_told(nested, ssh, monkeypatch):
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -o StrictHostKeyChecking=no")
    Repository(f"example.com:{nested}/shop.git").commit("main")
    (line,) = (ssh / "argv").read_text().splitlines()
    assert "StrictHostKeyChecking=yes" in line
    assert "StrictHostKeyChecking=no" not in line


@pytest.mark.parametrize(
    ("known_hosts", "stderr", "said"),
    [
        (
            "other.example.com ssh-ed25519 AAAA",
            "No ED25519 host key is known for example.com and you have requested strict checking.\n"
            "Host key verification failed.",
            "is unknown: it has no host key of it. Put the line that ssh-keyscan prints into "
            "gunicorn_source.known_hosts, once you know that it is right: No ED25519 host key is known for example.com",
        ),
        (None, "Host key verification failed.", "the target itself has no host key of it"),
        (
            "example.com ssh-ed25519 AAAA",
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "another host key than gunicorn_source.known_hosts has",
        ),
        (None, "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", "another host key than the target's own known_"),
    ],
)
def test_a_server_that_nobody_knows(ssh, write, known_hosts, stderr, said):
    """The texts are those of OpenSSH 9.2."""
    write(ssh, {"bin/ssh": f"#!/bin/sh\necho '{stderr}' >&2\nexit 255\n"})
    with pytest.raises(
        GitError, match=f"^gunicorn_source.known_hosts: the server of ssh://example.com/shop.git .*{said}"
    ):
        Repository("ssh://git@example.com/shop.git", KEY, known_hosts).commit("main")


def test_a_key_that_does_not_fit(ssh, write):
    write(ssh, {"bin/ssh": "#!/bin/sh\necho 'git@example.com: Permission denied (publickey).' >&2\nexit 255\n"})
    with pytest.raises(GitError, match=r"(?s)^gunicorn_source.git: .*gunicorn_source.ssh_key must name a private key"):
        Repository("git@example.com:shop.git", KEY).commit("main")


class _Guarded(http.server.SimpleHTTPRequestHandler):
    """Files for who has the password, and for nobody else."""

    def do_GET(self):
        if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:hun@ter2").decode():
            super().do_GET()
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic realm=git")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_arguments):
        """Say nothing."""


@pytest.fixture
def guarded(nested, git, monkeypatch):
    """Serve the nested repositories over HTTP and return the address."""
    for path in nested.glob("*.git"):
        git(path, "update-server-info")
    monkeypatch.setenv("no_proxy", "*")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Guarded, directory=str(nested)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.alike
@pytest.mark.parametrize("password", ["hun@ter2", "hun%40ter2"])
def test_a_password_opens_the_repository_and_its_submodules_and_is_seen_nowhere(
    guarded, export, tmp_path, monkeypatch, password
):
    store = tmp_path / "stored"
    (tmp_path / "gitconfig").write_text(f"[credential]\nhelper = store --file={store}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    # Every program that git starts, with its arguments.
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(tmp_path / "trace"))
    monkeypatch.setenv("GIT_TRACE_REDACT", "0")

    repository = Repository(f"http://me:{password}@{guarded}/shop.git")
    folder = export(repository, repository.commit("main"))

    assert "in/lib/in/deep/deep.py" in _files(folder)
    trace = (tmp_path / "trace").read_text()
    assert "ls-remote" in trace
    assert "ter2" not in trace
    assert not store.exists()


def test_a_password_goes_to_no_other_server(guarded, nested, git, export, tmp_path):
    asked = []

    class Other(_Guarded):
        def do_GET(self):
            asked.append(self.headers.get("Authorization"))
            super().do_GET()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Other, directory=str(nested)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    git(tmp_path, "clone", "--quiet", str(nested / "shop.git"), "shop")
    elsewhere = f"http://127.0.0.1:{server.server_port}/lib.git"
    git(tmp_path / "shop", "config", "--file=.gitmodules", "submodule.in/lib.url", elsewhere)
    git(tmp_path / "shop", "commit", "--quiet", "-a", "-m", "elsewhere")
    git(nested, "clone", "--quiet", "--bare", str(tmp_path / "shop"), "far.git")
    git(nested / "far.git", "update-server-info")
    repository = Repository(f"http://me:hun%40ter2@{guarded}/far.git")
    with pytest.raises(GitError, match=r"in/lib: .*/lib\.git can't be read"):
        export(repository, repository.commit("main"))
    server.shutdown()
    server.server_close()
    assert asked
    assert set(asked) == {None}


def test_a_wrong_password(guarded):
    with pytest.raises(GitError, match=f"gunicorn_source.git: http://{guarded}/shop.git can't be read: ") as caught:
        Repository(f"http://me:hunter3@{guarded}/shop.git").commit("main")
    assert "hunter3" not in str(caught.value)


@pytest.mark.parametrize("kind", ["smudge", "process"])
def test_a_filter_of_the_hosts_runs_for_no_source(git, export, monkeypatch, tmp_path, write, kind):
    mark = tmp_path / "mark"
    config = f'[filter "theirs"]\n\tclean = cat\n\t{kind} = "touch {mark}; cat"\n\trequired = true\n'
    write(tmp_path, {"gitconfig": config, "theirs/app.py": "one\n", "theirs/.gitattributes": "* filter=theirs\n"})
    git(tmp_path / "theirs", "init", "--quiet")
    git(tmp_path / "theirs", "add", ".")
    git(tmp_path / "theirs", "commit", "--quiet", "-m", "one")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    commit = git(tmp_path / "theirs", "rev-parse", "HEAD")
    assert (export(Repository(str(tmp_path / "theirs")), commit) / "app.py").read_text() == "one\n"
    assert not mark.exists()


@pytest.mark.parametrize(("bound", "value"), [("MOST_FILES", 2), ("MOST_BYTES", 15)])
def test_a_commit_that_has_more_than_any_app_is_refused(origin, git, export, monkeypatch, bound, value):
    monkeypatch.setattr(git_source.sealing, bound, value)
    with pytest.raises(GitError, match=rf"^gunicorn_source\.git: {origin}: it holds more than [02]"):
        export(Repository(str(origin)), git(origin, "rev-parse", "HEAD"))


@pytest.mark.usefixtures("trusting")
def test_the_place_of_a_submodule_is_reached_over_no_link(nested, export, git, monkeypatch, tmp_path):
    """As a git would leave it that does not do what it should."""
    write = Repository._write

    def with_a_link(self, git, commit, room):
        write(self, git, commit, room)
        if not self._submodule:
            git.beside(["sh", "-c", 'rm -r "$0" && ln -s "$1" "$0"', f"{room}/files/in", str(tmp_path)])

    monkeypatch.setattr(Repository, "_write", with_a_link)
    with pytest.raises(OSError, match=r"Not a directory|symbolic link"):
        export(Repository(str(nested / "shop.git")), git(nested / "shop.git", "rev-parse", "main"))
    assert not (tmp_path / "lib").exists()


@pytest.mark.alike
@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("path", ["../out", "in/../../out", "/out", ".."])
def test_the_place_of_a_submodule_is_in_the_source(nested, export, git, monkeypatch, path):
    """As a git would say that does not do what it should."""
    modules = Repository._modules
    monkeypatch.setattr(
        Repository, "_modules", lambda *given: dict(zip([path], modules(*given).values(), strict=False))
    )
    with pytest.raises(PermissionError, match="it leads out of its folder"):
        export(Repository(str(nested / "shop.git")), git(nested / "shop.git", "rev-parse", "main"))


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 5\n"


@pytest.fixture
def large(tmp_path, git, write):
    """Return a repository with a file that is in Git LFS."""
    files = {"logo.png": POINTER.format("0" * 64), ".gitattributes": "*.png filter=lfs -text\n", "app.py": ""}
    folder = write(tmp_path / "large", files)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "-c", "filter.lfs.clean=cat", "-c", "filter.lfs.process=", "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    return folder


def test_files_of_git_lfs_are_named_where_the_host_cannot_fetch_them(large, git, export, monkeypatch):
    monkeypatch.setattr(git_source.shutil, "which", lambda name: None)
    with pytest.raises(
        GitError, match=r"gunicorn_packages: list git-lfs for .*/large: it has files in Git LFS, such as logo.png"
    ):
        export(Repository(str(large)), git(large, "rev-parse", "HEAD"))


def test_files_of_git_lfs_are_fetched_where_it_can(large, git, export, monkeypatch, tmp_path, write):
    write(tmp_path / "bin", {"git-lfs": f'#!/bin/sh\necho "$*" >> {tmp_path}/told\n[ "$1" = fetch ] || echo large\n'})
    (tmp_path / "bin/git-lfs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    commit = git(large, "rev-parse", "HEAD")
    assert (export(Repository(str(large)), commit) / "logo.png").read_text() == "large\n"
    assert (tmp_path / "told").read_text().splitlines() == [f"fetch origin {commit}", "smudge -- logo.png"]


@pytest.mark.parametrize(
    ("attributes", "large"),
    [
        ("[attr]big filter=lfs -text\n*.png big\n", "logo.png tests/logo.png"),
        ('"lo*.png" filter=lfs\n', "logo.png tests/logo.png"),
        ("*.png filter=lfs\ntests/** -filter\n", "logo.png"),
        ("/*.png filter=lfs\n", "logo.png"),
        ("*.jpg filter=lfs\n", ""),
    ],
)
def test_what_is_of_git_lfs_is_what_its_attributes_say(git, export, monkeypatch, tmp_path, write, attributes, large):
    write(tmp_path / "bin", {"git-lfs": "#!/bin/sh\n[ $1 = fetch ] || echo large\n"})
    (tmp_path / "bin/git-lfs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    pointer = POINTER.format("0" * 64)
    folder = write(tmp_path / "shop", {"logo.png": pointer, "tests/logo.png": pointer, ".gitattributes": attributes})
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "-c", "filter.lfs.clean=cat", "-c", "filter.lfs.process=", "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    there = export(Repository(str(folder)), git(folder, "rev-parse", "HEAD"))
    assert " ".join(path for path in ("logo.png", "tests/logo.png") if (there / path).read_text() == "large\n") == large


def test_a_file_of_git_lfs_that_is_not_to_be_had(large, git, export, monkeypatch, tmp_path, write):
    write(tmp_path / "bin", {"git-lfs": "#!/bin/sh\necho gone >&2; exit 2\n"})
    (tmp_path / "bin/git-lfs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    with pytest.raises(GitError, match=r"can't be read: it has files in Git LFS, such as logo.png: gone"):
        export(Repository(str(large)), git(large, "rev-parse", "HEAD"))


def test_a_server_that_never_answers_is_given_up(ssh, write, monkeypatch):
    monkeypatch.setattr(git_sandbox, "SECONDS", 0.3)
    write(ssh, {"bin/ssh": "#!/bin/sh\nexec sleep 600\n"})
    with pytest.raises(GitError, match=r"ssh://localhost/x can't be read: it did not answer to the end within 0\.3 s"):
        Repository("ssh://nobody@localhost/x").commit("main")
