# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A start of gunicorn, but for its sockets and workers. Private to the collection.

What it needs of the host it finds out only then, and `--check-config` doesn't try: logs, certificates, folders. So here
gunicorn's own code tries, as whoever runs it: for the service's account in its sandbox a file can be missing that is there.
"""

from __future__ import annotations

from typing import Any

# Each logging setting is tried with nothing but those that belong to it, so that all that don't work are found.
SCRIPT = """
import asyncio, functools, os, tempfile

LOGS = [
    ["accesslog"], ["errorlog"], ["logconfig"], ["logconfig_dict"], ["logconfig_json"], ["logger_class"],
    ["syslog", "syslog_addr", "syslog_facility", "syslog_prefix"],
    ["statsd_host", "statsd_prefix"],
]
TLS = ["certfile", "keyfile", "ca_certs", "cert_reqs", "ciphers"]

def log(cfg, names):
    from gunicorn.config import Config
    alone = Config()
    for name in names:
        alone.settings[name] = cfg.settings[name]
    # Where it can't reach statsd, gunicorn says nothing and sends nothing.
    if getattr(alone.logger_class(alone), "sock", cfg) is None:
        raise RuntimeError("nobody is to be found there, so every figure would be lost")
    # It passes over one that isn't there, and for this account it may not be.
    open(cfg.logconfig_json or os.devnull).close()

def heartbeat(cfg):
    from gunicorn.workers.workertmp import WorkerTmp
    WorkerTmp(cfg).close()

def tls(cfg):
    from gunicorn import sock
    cfg.is_ssl and sock.ssl_context(cfg)

def control_socket(cfg):
    if not cfg.settings.get("control_socket") or cfg.control_socket_disable:
        return
    folder = os.path.dirname(os.path.abspath(cfg.control_socket))
    os.makedirs(folder, mode=0o700, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()

def dirty_apps(cfg):
    if cfg.settings.get("dirty_apps") and cfg.dirty_workers:
        from gunicorn.dirty.app import load_dirty_app, parse_dirty_app_spec
        for spec in cfg.dirty_apps:
            load_dirty_app(parse_dirty_app_spec(spec)[0])

# An app that knows nothing of a lifespan fails before it asks what happens in it. One that asks is believed and stopped:
# whatever it does at its start would happen beside the active one.
def lifespan(cfg, app):
    class Asked(BaseException):
        pass

    async def receive():
        raise Asked

    async def send(message):
        pass

    if cfg.worker_class.__module__ == "gunicorn.workers.gasgi" and cfg.asgi_lifespan == "on":
        try:
            asyncio.run(app({"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.4"}, "state": {}}, receive, send))
        except Asked:
            pass

def before_the_app(cfg):
    steps = [(names, functools.partial(log, cfg, names)) for names in LOGS]
    steps += [
        (["worker_tmp_dir"], functools.partial(heartbeat, cfg)),
        (TLS, functools.partial(tls, cfg)),
        (["control_socket"], functools.partial(control_socket, cfg)),
        (["raw_env"], lambda: os.environ.update(cfg.env)),
    ]
    return tried(cfg, steps)

def with_the_app(cfg, app):
    return tried(cfg, [
        (["dirty_apps"], functools.partial(dirty_apps, cfg)),
        (["asgi_lifespan"], functools.partial(lifespan, cfg, app)),
    ])

# The last of the errors in a chain is the cause; what one of a file is about, it says itself. Others can have whole
# tracebacks in their texts.
def words(error):
    cause = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__
    chain = [cause] if isinstance(cause, OSError) else dict.fromkeys([error, cause])
    return ": ".join((str(one).strip() or type(one).__name__).splitlines()[0].rstrip(": ") for one in chain)

def tried(cfg, steps):
    failed, usual = [], type(cfg)().settings
    for names, step in steps:
        try:
            step()
        except BaseException as error:
            values = {name: cfg.settings[name].get() for name in names}
            changed = {name: value for name, value in values.items() if value != usual[name].get()}
            failed.append([changed or values, words(error)])
    return failed
"""


def sentences(failed: list[Any]) -> list[str]:
    """Return what failed, one sentence each, as the part that follows the name of a variable and a colon."""
    return [
        f"{' and '.join(map(_shown, given.items()))}, which fails for the service, as its account and in its sandbox: {said}"
        for given, said in failed
    ]


def _shown(item: tuple[str, object]) -> str:
    name, value = item
    return f"{name} is {value!r}" if isinstance(value, str) else name
