# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gunicorn accepts and then fails at, asked of the real gunicorns."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import setting_rules
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn.settings import Settings, SettingsError

# Each is wrong with every gunicorn that has the setting.
WRONG = {
    "backlog": (0, "is 0, but then clients are turned away as soon as one waits: set at least 1"),
    "workers": ("0", "is '0', but then nobody answers: set at least 1, or leave it out"),
    "threads": (0, "is 0, but then nobody answers"),
    "worker_connections": (0, "is 0, but then workers take no connection"),
    "timeout": (True, "is True, which gunicorn would take for 1: write a number"),
    "limit_request_line": (
        100000,
        "is 100000, for which gunicorn silently takes 8190: write that, or a limit below it",
    ),
    "limit_request_fields": (0, "is 0, for which gunicorn silently takes 32768"),
    "reload": (True, "with preload_app workers keep the code that gunicorn started with: leave out one of the two"),
    "preload_app": (True, ""),
    "reload_engine": ("inotify", "is 'inotify', which needs more than gunicorn: add inotify to gunicorn_requirements"),
    "check_config": (True, "gunicorn prints and ends instead of serving: leave it out"),
    "print_config": ("true", "is 'true', with which gunicorn prints and ends"),
    "sendfile": (True, "gunicorn turns it off whatever the value: leave it out to have it on"),
    "bind": ("unix:/run/shop.sock", ""),
    "reuse_port": (True, "workers can't share a unix socket"),
    "worker_tmp_dir": ("/nosuch", "there is no folder /nosuch on the host: name one that is there"),
    "secure_scheme_headers": (
        {"X-Forwarded-Proto": "https"},
        "only by its name in upper case: write X-FORWARDED-PROTO",
    ),
    "accesslog": ("/nosuch/access.log", "there is no folder /nosuch on the host, and gunicorn doesn't make it"),
    "access_log_format": (
        "%(h)d",
        "no request could be logged by that (%d format: a real number is required, not str)",
    ),
    "errorlog": ("logs", "is 'logs', which is a folder: name a file in it"),
    "loglevel": ("warn", "is 'warn', but must be one of debug, info, warning, error, critical"),
    "logconfig": ("log.ini", "/log.ini on the host: name one that is there"),
    "logconfig_json": ("/nosuch/log.json", "there is no file /nosuch/log.json on the host"),
    "certfile": ("/nosuch/cert.pem", "there is no file /nosuch/cert.pem"),
    "keyfile": ("/nosuch/key.pem", "there is no file /nosuch/key.pem"),
    "ca_certs": ("/nosuch/ca.pem", "there is no file /nosuch/ca.pem"),
    "forwarder_headers": ("SCRIPT_NAME,Remote-User", "only in upper case with underscores: write REMOTE_USER"),
    # Newer than 23.
    "protocol": ("fastcgi", "is 'fastcgi', but must be 'http' or 'uwsgi'; gunicorn would take it for http"),
    "asgi_loop": ("uvloop", "gunicorn would silently go without: add uvloop to gunicorn_requirements"),
    "http_protocols": ("h2,h1", "the package h2 is not installed: add h2 to gunicorn_requirements"),
    "http_parser": ("fast", "gunicorn would fail at each request (gunicorn_h1c not installed but http_parser='fast')"),
    "dirty_apps": (["shop:Tasks"], "dirty_workers is 0, so none of them would run: set dirty_workers"),
    "dirty_threads": (0, "is 0, but then they do nothing"),
}
RIGHT = {
    "backlog": 1,
    "workers": 1,
    "threads": "2",
    "timeout": 0,
    "keepalive": 0,
    "limit_request_line": 8190,
    "limit_request_fields": 32768,
    "reload": True,
    "reload_engine": "poll",
    "preload_app": False,
    "sendfile": False,
    "bind": "127.0.0.1:9999",
    "reuse_port": True,
    "worker_tmp_dir": "logs",
    "secure_scheme_headers": {"X-FORWARDED-PROTO": "https"},
    "accesslog": "logs/access.log",
    "access_log_format": '%(h)s "%(r)s" %(s)s %(B)d %(T)d %({x-request-id}i)s 100%%',
    "errorlog": "-",
    "loglevel": "DEBUG",
    "capture_output": True,
    "logconfig": None,
    "logconfig_json": "log.json",
    "forwarder_headers": "*,SCRIPT_NAME",
}


@pytest.fixture(scope="module")
def refusals(pythons, tmp_path_factory, write):
    """Return by the version of gunicorn the lines with which it is told that all is wrong."""
    folder = write(tmp_path_factory.mktemp("app"), {"logs/access.log": ""})
    given = {name: value for name, (value, _said) in WRONG.items()}
    lines = {}
    for version, python in pythons.items():
        with pytest.raises(SettingsError) as caught:
            Settings(python, {"chdir": str(folder)}, given, writable=None)
        lines[version] = str(caught.value).splitlines()
    return lines


@pytest.mark.parametrize("name", [name for name, (_value, said) in WRONG.items() if said])
def test_a_fault_names_the_setting_and_the_remedy(refusals, version, name):
    (line,) = [line for line in refusals[version] if line.startswith(f"gunicorn_settings: {name} is ")]
    assert WRONG[name][1] in line or f"is no setting of gunicorn {version}" in line


def test_everything_has_a_check_that_is_tested():
    tested = {*WRONG, "capture_output", "dirty_workers", "limit_request_field_size"}
    assert setting_rules._CHECKS.keys() <= tested


def test_what_works_is_left_alone(pythons, tmp_path, write, version):
    folder = write(tmp_path, {"logs/access.log": "", "log.json": "{}"})
    text = Settings(pythons[version], {"chdir": str(folder)}, RIGHT, writable=None).render()
    assert "accesslog = 'logs/access.log'\n" in text


@pytest.mark.parametrize(
    ("version", "given", "said"),
    [
        # From 25.3 on gunicorn clamps what its documentation calls unlimited.
        ("23.0.0", {"limit_request_field_size": 0}, None),
        (
            "25.3.0",
            {"limit_request_field_size": 0},
            "limit_request_field_size is 0, for which gunicorn silently takes 8190",
        ),
        (
            "23.0.0",
            {"forwarded_allow_ips": "10.0.0.0/8"},
            "forwarded_allow_ips is '10.0.0.0/8', which gunicorn refuses: ",
        ),
        ("24.1.1", {"forwarded_allow_ips": "10.0.0.0/8"}, None),
        ("23.0.0", {"worker_class": "asgi"}, "worker_class is 'asgi', which gunicorn 23.0.0 doesn't have: it has "),
        ("23.0.0", {"dirty_workers": 2}, "dirty_workers is no setting of gunicorn 23.0.0"),
        ("26.2.0", {"dirty_workers": 2}, "dirty_workers is 2, but dirty_apps is empty, so none of them would start"),
        (
            "ours",
            {"capture_output": True, "errorlog": None},
            "there is nowhere to write what it captures: set errorlog",
        ),
        ("ours", {"worker_class": "asgi", "limit_request_line": 100000}, None),
        ("ours", {"logger_class": "shop.Logger", "loglevel": "trace", "access_log_format": "{h}"}, None),
        ("ours", {"access_log_format": "100% %(h)s"}, "and a percent sign as '%%'"),
        ("ours", {"secure_scheme_headers": {"X-TLS": 1}}, "which 1 for X-TLS never equals: put it in quotes"),
        ("ours", {"errorlog": ""}, "errorlog is '', "),
    ],
)
def test_what_depends_on_the_version_or_on_another_setting(pythons, tmp_path, version, given, said):
    options = {"chdir": str(tmp_path)}
    if said is None:
        Settings(pythons[version], options, given, writable=None)
        return
    with pytest.raises(SettingsError) as caught:
        Settings(pythons[version], options, given, writable=None)
    (line,) = str(caught.value).splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("-", None),
        (None, None),
        # Made before the service starts, though not yet there.
        ("/var/lib/gunicorn-nosuch/access.log", None),
        ("/var/lib/gunicorn-nosuch/logs/access.log", "there is no folder /var/lib/gunicorn-nosuch/logs"),
        (
            "/var/lib/gunicorn-nosuch-2/access.log",
            "no file but those below /var/lib/gunicorn-nosuch, /srv/files: choose ",
        ),
        ("../gunicorn-nosuch/../x.log", "add its folder to gunicorn_writable_paths, or set '-' for systemd's journal"),
        ("access.log", "no file but those below"),
    ],
)
def test_a_log_is_where_the_service_can_write(tmp_path, log, said):
    facts = {"values": {"accesslog": log, "chdir": str(tmp_path)}}
    faults = setting_rules.faults(facts, ["/var/lib/gunicorn-nosuch", "/srv/files"])
    assert said in faults["accesslog"] if said else not faults
