# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module app_source does: the source of an app, in place. Private to the collection."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile

from ansible_collections.pyweb.stack.plugins.module_utils._host import sealing
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError, readable
from ansible_collections.pyweb.stack.plugins.module_utils._source import bytecode
from ansible_collections.pyweb.stack.plugins.module_utils._source.additions import (
    AdditionError,
    Additions,
    Completed,
    Plain,
    Source,
)
from ansible_collections.pyweb.stack.plugins.module_utils._source.archive import Archive, ArchiveError, file_name
from ansible_collections.pyweb.stack.plugins.module_utils._source.folder import Packed, Tree, TreeError
from ansible_collections.pyweb.stack.plugins.module_utils._source.git import Checkout, GitError, Repository
from ansible_collections.pyweb.stack.plugins.module_utils._source.notes import notes
from ansible_collections.pyweb.stack.plugins.module_utils._text import urls

_KINDS = ("git", "archive", "path", "directory")


def run(module: Module, params: dict) -> dict:
    """Fetch the source, unless it is there, and warn of what it brings; return what the module documents."""
    result = _fetch(module, params)
    added = [os.path.normpath(path) for path in params["source_files"]]
    for note in notes(readable(result["path"]), added) if result["path"] else ():
        module.warn(note)
    return result


def _fetch(module: Module, params: dict) -> dict:
    store = Store(params["root"], params["name"], params["user"])
    sources = store.item("sources", "")
    result: dict = {
        "changed": True,
        "path": "",
        "digest": None,
        "version": _version(params),
        "serving": store.current() or "",
        "diff": [],
        "waits": False,
    }
    if module.check_mode and not _can_ask(params["git"]):
        return result
    if not _can_ask(params["git"]):
        module.fail_json(msg="gunicorn_source.git: the target has no git, or no ssh: install git and openssh-client")
    try:
        store.refuse_others()
        store.clear_trial()
        additions = Additions(params["source_files"], params["shared_paths"], unit_files.STATE.format(params["name"]))
        plain = _source(params)
        source: Source = Completed(plain, additions, _key(module, store)) if additions.any() else plain
        result["digest"] = source.digest(sources)
        if _there(store, result["digest"]):
            return {**result, "changed": False, "path": store.item("sources", result["digest"])}
        result["diff"] = additions.diff(os.path.join(store.current_link, "src") if store.current() else "")
        if _is_to_be_sent(params):
            return {**result, "waits": True}
        digest = _fetched(source, store.trial() if module.check_mode else store, params["python"] or "/usr/bin/python3")
    except TreeError as error:
        module.fail_json(msg=f"gunicorn_source.{'path' if params['path'] else 'directory'}: {error}")
    except (AdditionError, ArchiveError, GitError, StoreError, sealing.SealError, OSError) as error:
        if module.check_mode and os.strerror(errno.ENOSPC) in str(error):
            store.trial().remove()
            return result
        module.fail_json(msg=str(error))
    return {**result, "digest": digest, "path": store.item("sources", digest)}


def _fetched(source: Source, store: Store, python: str) -> str:
    """Have the source in this store, and return what it is named by."""
    with store.locked("fetching its source"):
        sources = store.item("sources", "")
        # Another run may have fetched it while this one waited.
        digest = source.digest(sources)
        if digest and _there(store, digest):
            return digest
        with tempfile.TemporaryDirectory(dir=sources, prefix=".stage-") as work:
            digest = source.fetch(work)
            with store.stage("sources", digest) as stage:
                source.export(stage)
                # A link that leads out is followed with the rights of whoever reads it.
                sealing.seal(stage, leads_out=None)
                bytecode.add(store.name, stage, store.item("sources", digest), python)
    return digest


def _key(module: Module, store: Store) -> bytes:
    """Return the key of the host's own for this app, without which nobody can check a guess of a secret by its digest."""
    if store.key() is None and not module.check_mode:
        with store.locked("making its folder"):
            pass
    return store.key() or b""


def _source(params: dict) -> Plain:
    """Return the source; a commit is asked for here."""
    if params["git"]:
        repository = Repository(params["git"], params["key"], params["known_hosts"])
        return Checkout(repository, repository.commit(params["version"]), params["submodules"])
    if params["archive"]:
        return Archive(params["archive"], params["sha256"], params["sent"])
    if params["path"]:
        return Tree(params["path"], "the target", params["include"])
    return Packed(params["sent"], params["digest"])


def _version(params: dict) -> str:
    if params["git"]:
        return params["version"]
    return file_name(params["archive"]) if params["archive"] else ""


def _can_ask(url: str | None) -> bool:
    """Return whether the host has the programs that this URL of a repository, if any, takes."""
    return not url or bool(shutil.which("git") and (shutil.which("ssh") or not urls.by_ssh(url)))


def _is_to_be_sent(params: dict) -> bool:
    """Return whether the action plugin has yet to send something, which it does for what isn't there."""
    if params["git"]:
        return bool(params["ssh_key"] and not params["key"])
    local = params["directory"] or (params["archive"] and not urls.is_http(params["archive"]))
    return bool(local and not params["sent"])


def _there(store: Store, digest: str | None) -> bool:
    return digest is not None and os.path.isdir(store.item("sources", digest))


STEP = Step(
    prefix="gunicorn_",
    options={
        "name": {"type": "str", "required": True},
        "root": {"type": "path", "default": "/srv"},
        "user": {"type": "str", "required": True},
        "git": {"type": "str"},
        "version": {"type": "str", "default": "HEAD"},
        "ssh_key": {"type": "path", "no_log": False},
        "known_hosts": {"type": "str"},
        "submodules": {"type": "bool", "default": True},
        "archive": {"type": "str"},
        "sha256": {"type": "str"},
        "path": {"type": "path"},
        "directory": {"type": "path"},
        "include": {"type": "list", "elements": "str", "default": []},
        "source_files": {"type": "dict", "default": {}},
        "shared_paths": {"type": "list", "elements": "str", "default": []},
        "python": {"type": "path", "default": "/usr/bin/python3"},
        "digest": {"type": "str"},
        "sent": {"type": "path"},
        "key": {"type": "str", "no_log": False},
    },
    unlike=("version",),
    hidden={
        "git": urls.shown,
        "archive": urls.shown,
        "key": lambda key: "(hidden)",
        "source_files": lambda files: dict.fromkeys(files, "(hidden)"),
    },
    rules={"mutually_exclusive": [_KINDS], "required_one_of": [_KINDS], "required_by": {"archive": ["sha256"]}},
    run=run,
)
