# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module gunicorn_release does: a release, proved. Private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os

from ansible_collections.pyweb.stack.plugins.module_utils._django.media import Places
from ansible_collections.pyweb.stack.plugins.module_utils._django.preparation import Preparation
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn.proof import ProofError
from ansible_collections.pyweb.stack.plugins.module_utils._host import files, masking, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import shared_paths, unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._release.host_secrets import HostSecrets
from ansible_collections.pyweb.stack.plugins.module_utils._release.releases import (
    Inputs,
    Release,
    ReleaseError,
    source_of,
)
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError, still_active
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Instance
from ansible_collections.pyweb.stack.plugins.module_utils._text.unknown import UNKNOWN


def run(module: Module, params: dict) -> dict:
    """Make the release, unless it is there; return what the module documents."""
    store = Store(params["root"], params["name"], params["user"])
    state, shared = unit_files.STATE.format(params["name"]), tuple(params["shared_paths"])
    fault = shared_paths.published(params["media"], shared)
    if fault:
        module.fail_json(msg=fault)
    env = dict(params["env"])
    django = None
    try:
        with _lock_unless(module.check_mode, store):
            secrets = HostSecrets(store.name, [name for name in params["secrets"] if name not in env])
            env.update(secrets.values)
            inputs = _inputs({**params, "env": env})
            if params["django"]:
                source = source_of(store, inputs, store.key() or b"")
                folder = source if source and isinstance(source, str) else store.path
                places = Places(folder, state, shared, params["media"])
                django = Preparation(places, os.path.join(folder, params["chdir"]), **params["django"])
            release = Release(store, inputs, store.key() or b"", django)
            # In check mode neither need be there.
            known = bool(store.key() and inputs.config is not UNKNOWN and not (module.check_mode and secrets.missing))
            new = not os.path.isdir(release.path)
            serves = store.current() == release.id
            missing, unshared = release.missing_folders(), release.missing_shared()
            if new:
                release.check_companions(module.check_mode)
            units = release.units()
            late = release.starts_late()
            closed = store.closed_to_its_account()
            changed = bool(new or missing or unshared or late or closed or secrets.missing or systemd.differing(units))
            diff = (release.diff() if new else []) + systemd.edited(units) + secrets.diff()
            diff += [files.diff(folder, "", f"a folder of {params['user']}, 0750\n") for folder in missing]
            diff += [
                files.diff(path, "", f"of {params['user']}, with what the source has there\n") for path in unshared
            ]
            diff += [files.diff(path, "", f"for {params['user']} to be read\n") for path in closed]
            if not module.check_mode:
                # First, as the release has them.
                secrets.keep()
                store.open_to_its_account(closed)
                for path in missing:
                    release.make_folder(path)
                if late:
                    release.start_early()
                if new:
                    release.make()
                elif unshared:
                    release.share()
                if not new:
                    # What runs has the account's earlier number as well.
                    former = [name for name in units if closed and name.endswith(".service")]
                    edited = [*former, *systemd.differing(units)]
                    # The next run of a job starts with what its file says then.
                    Instance(store.name, release.id).note_edits([name for name in edited if "-job@" not in name])
                # Also where a run was killed between the two, or somebody edited them.
                systemd.install(units)
            plan = release.plan()
    except DjangoError as error:
        whole = f"{still_active(store.current())}; all it said: journalctl --identifier=gunicorn-{store.name}"
        module.fail_json(msg=masking.without_values(f"{error}\n{whole}", env))
    except (ReleaseError, ProofError, StoreError, systemd.SystemdError, OSError) as error:
        module.fail_json(msg=masking.without_values(str(error), env))
    result = {"changed": changed, "diff": diff, "serves": serves, "plan": plan, "alike": release.alike()}
    if django:
        result["told"] = django.told
    result["messages"] = [*(django.messages if django else []), *release.messages, *secrets.messages()]
    result["id"] = release.id if known else None
    result["path"] = release.path if os.path.isdir(release.path) else None
    return result


def _inputs(params: dict) -> Inputs:
    """Return what the release is made of; the roles leave empty what check mode can't know."""
    given = {field.name: params[field.name] for field in dataclasses.fields(Inputs)}
    unknown = {"source": params["source"] == "", "venv": not params["venv"], "config": not params["config"]}
    return Inputs(**{**given, **{name: UNKNOWN for name, is_so in unknown.items() if is_so}})


def _lock_unless(check_mode: bool, store: Store) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if check_mode else store.locked("making its release")


STEP = Step(
    prefix="gunicorn_",
    options={
        "name": {"type": "str", "required": True},
        "root": {"type": "path", "default": "/srv"},
        "user": {"type": "str", "required": True},
        "source": {"type": "path"},
        "version": {"type": "str", "default": ""},
        "chdir": {"type": "str", "default": "."},
        "venv": {"type": "path"},
        "config": {"type": "str"},
        "wsgi_app": {"type": "str", "required": True},
        "env": {"type": "dict", "default": {}},
        "secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "graceful_timeout": {"type": "int", "default": 30},
        "health_timeout": {"type": "float", "default": 30},
        "overlap": {"type": "bool", "default": True},
        "memory_max": {"type": "str"},
        "cpu_quota": {"type": "str"},
        "writable_paths": {"type": "list", "elements": "str", "default": []},
        "shared_paths": {"type": "list", "elements": "str", "default": []},
        "unit": {"type": "dict", "default": {}},
        "media": shared_paths.MEDIA,
        "processes": {"type": "dict", "default": {}},
        "schedule": {"type": "dict", "default": {}},
        "before_switch": {"type": "list", "elements": "raw", "default": []},
        "django": {
            "type": "dict",
            "options": {
                "collectstatic": {"type": "bool", "default": True},
                "allow_debug": {"type": "bool", "default": False},
                "check": {"type": "bool", "default": False},
                "databases": {"type": "list", "elements": "str", "default": ["default"]},
            },
        },
        "plan": {"type": "dict", "required": True},
    },
    unlike=("source", "version"),
    hidden={"env": lambda env: dict.fromkeys(env, "(hidden)"), "config": lambda config: "(see diff)"},
    run=run,
)
