"""Attacks the server in a container, one attack a test, and looks at what it got; runs on the controller.

    verify.py CONTAINER HOST [TEST…]

Without a test named it makes those of this host, or all if STACK_SERVERS is set. Each deploys what an attacker brought, or
does what an account without rights can, and finds that nothing came of it: the attackers' code tells the server's collector
what worked (tries.py, servers.py).
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import tries

HERE = pathlib.Path(__file__).parent
CONTAINER, HOST = sys.argv[1:3]
PROJECTS = "/opt/hostile/projects"
INDEX = "http://reader:planted-index@127.0.0.1:8006/simple"
PROXY = "http://clerk:planted-proxy@127.0.0.1:8007"
# From day to day each of these is made on one host; every other on both, as what an app can do from inside.
ON_ONE = {
    "Packages": "bookworm",
    "Sources": "trixie",
    "StaticFiles": "trixie",
    "Accounts": "trixie",
    "Administrator": "bookworm",
    "Given": "bookworm",
}
# Seconds in which anything ends that has an end.
PATIENCE = 400

# For an app in which C doesn't call Python back.
CLOSED = {"SystemCallFilter": ["@system-service", "~@privileged @resources", "~memfd_create"]}

# What works for root without a sandbox, besides all that is to be read.
EVERYTHING = {
    *("write to /opt/hostile/open", "write to /etc", "write to /srv/shop", "write below /usr", "write below /run/lock"),
    *("execute what is in /opt/hostile/open", "execute what is in /tmp", "execute what is in /var/tmp"),
    *("see the processes of others", "see the environment of a process of another app", "see the journal"),
    *("connect to another app", "connect to systemd", "know the password of the index"),
    *("know the password of the proxy", "read what else is on the server of the index"),
    *("open a netlink socket", "open a packet socket", "open a raw IP socket"),
    *("be root", "have capabilities (CapPrm)", "have capabilities (CapBnd)", "gain rights by a program of root's"),
    *("mount", "make a namespace", "signal the first process", "make a program that lends rights", "make a device"),
    *("make machine code in memory", "execute what is in memory", "name the host"),
    *(f"read {name}" for name in tries.SECRETS),
}


def on_server(*argv, user="root", check=True, stdin=None):
    """Run a command on the server and return what it prints."""
    command = ["docker", "exec", "--interactive", f"--user={user}", CONTAINER, *argv]
    return subprocess.run(command, check=check, capture_output=True, text=True, input=stdin).stdout


def ansible(*argv):
    """Run Ansible against the server, and return whether it worked and what it said, also where it never ends."""
    program, *rest = argv
    command = [program, f"--inventory={HERE.parent}/inventory.yml", f"--extra-vars=container={CONTAINER}", *rest]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            said = process.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said = f"it did not end within {PATIENCE} s"
    return process.returncode == 0, said


def deploy(*, check=False, role="gunicorn", **variables):
    """Deploy an app by the playbook, and return whether that worked and what it said."""
    playbook = [f"--limit={HOST}", "--diff", *["--check"] * check, str(HERE / "attack.yml")]
    return ansible("ansible-playbook", "--extra-vars", json.dumps({"role": role, **variables}), *playbook)


def module(module_name, *, check=False, **options):
    """Run a module, and return whether that worked and what it said."""
    return ansible(
        "ansible", HOST, f"--module-name=pyweb.stack.{module_name}", "--args", json.dumps(options), *["--check"] * check
    )


def ask(app, path="/"):
    """Return what an app answers on its own socket."""
    url = ["--silent", "--show-error", "--max-time", "60", f"http://localhost{path}"]
    return on_server("curl", "--unix-socket", f"/srv/{app}/current/app.sock", *url)


class Attack(unittest.TestCase):
    def setUp(self):
        on_server("rm", "--force", "/opt/hostile/marks.jsonl")

    def marks(self):
        """Return who of the attackers' code told something since the test began, and what worked for it."""
        lines = on_server("sh", "-c", "cat /opt/hostile/marks.jsonl || true").splitlines()
        return [json.loads(line) for line in lines]

    def assert_nothing_worked(self):
        """See that the attackers' code got nothing, wherever it ran."""
        self.assertEqual({each["who"]: each["worked"] for each in self.marks() if each["worked"]}, {})

    def assert_refused(self, outcome, *words):
        """See that a run failed and said so."""
        worked, said = outcome
        self.assertFalse(worked, said)
        for word in words:
            self.assertIn(word, said)
        self.assertNotIn("Traceback", said)

    def assert_worked(self, outcome):
        """See that a run worked."""
        self.assertTrue(outcome[0], outcome[1][-3000:])


class Packages(Attack):
    """The author of a package."""

    def test_a_package_that_check_mode_asks_what_it_needs_sees_nothing_but_its_own(self):
        deploy(check=True, gunicorn_requirements=["builder", "legacy"])
        self.assertEqual(
            [each["who"] for each in self.marks() if "builds" in each["who"] or "wheel" in each["who"]], []
        )
        self.assert_nothing_worked()

    def test_a_package_sees_nothing_but_its_own_when_it_is_built(self):
        self.assert_worked(deploy(gunicorn_requirements=["builder", "legacy"]))
        self.assertIn("builder==1.0", on_server("cat", "/srv/mallory/current/venv/installed.txt"))
        self.assert_nothing_worked()

    def test_a_package_sees_no_secret_file_of_the_source_when_it_is_built(self):
        # With this index, a build reaches others.
        app = {"gunicorn_name": "planted", "gunicorn_index": {"url": INDEX}}
        app["gunicorn_source_files"] = {".env": {"content": "planted", "secret": True}}
        self.assert_worked(deploy(gunicorn_requirements=["builder", "legacy"], **app))
        self.assertTrue(any("builds" in each["who"] for each in self.marks()))
        self.assertEqual(on_server("cat", "/srv/planted/current/src/.env"), "planted")
        self.assert_nothing_worked()

    def test_a_build_that_leaves_a_link_has_nobody_write_through_it(self):
        # The package that it builds leaves one to the interpreter.
        self.assert_worked(deploy(gunicorn_name="linked", gunicorn_requirements=["builder"]))
        self.assertIn("builder==1.0", on_server("cat", "/srv/linked/current/venv/installed.txt"))
        self.assertEqual(on_server("find", "/srv/linked/current/venv/installed.txt", "-type", "l"), "")

    def test_a_package_gets_no_password_of_the_index_that_it_is_built_with(self):
        requirements = ["builder", "legacy"]
        for check in (True, False):
            # Nobody's cache has them yet.
            app = {"gunicorn_name": "indexed", "gunicorn_index": {"url": INDEX}, "gunicorn_env": {"TURN": str(check)}}
            self.assert_worked(deploy(check=check, gunicorn_requirements=requirements, **app))
            self.assertTrue(any("build" in each["who"] or "setup.py" in each["who"] for each in self.marks()))
            self.assert_nothing_worked()
        self.assertIn("builder==1.0", on_server("cat", "/srv/indexed/current/venv/installed.txt"))

    def test_what_is_built_gets_no_password_of_the_proxy_that_it_is_built_behind(self):
        look = "import tries; tries.mark('a command of the build', *tries.QUICKLY)"
        for check in (True, False):
            app = {"gunicorn_name": "proxied", "gunicorn_index": {"url": "http://index.example/simple"}}
            app["gunicorn_env"] = {"TURN": str(check)}
            app["gunicorn_build"] = [["/usr/bin/python3", "-c", look]]
            self.assert_worked(
                deploy(check=check, gunicorn_requirements=["builder", "legacy"], way_out={"http_proxy": PROXY}, **app)
            )
            self.assertTrue(any("builds" in each["who"] or "setup.py" in each["who"] for each in self.marks()))
            self.assert_nothing_worked()
        self.assertIn("a command of the build", [each["who"] for each in self.marks()])
        self.assertIn("builder==1.0", on_server("cat", "/srv/proxied/current/venv/installed.txt"))

    def test_a_package_that_runs_wherever_python_starts_does_so_as_the_app_alone(self):
        self.assert_worked(deploy(gunicorn_settings={"workers": 1, "worker_class": "workers.Worker"}))
        self.assertIn("startup==1.0", on_server("cat", "/srv/mallory/current/venv/installed.txt"))
        self.assert_nothing_worked()
        deploy(check=True, gunicorn_settings={"workers": 1, "worker_class": "workers.Worker", "timeout": 31})
        self.assert_nothing_worked()

    def test_requirements_read_no_other_file(self):
        for name in ("requirement", "constraint"):
            outcome = deploy(gunicorn_source={"path": f"{PROJECTS}/{name}"})
            self.assertNotIn("planted", outcome[1])
            self.assert_refused(outcome, "gunicorn_requirements_file", "/srv/shop/current/env")


class Sources(Attack):
    """Who can write what an app is made of."""

    def source(self, name, **more):
        return deploy(gunicorn_source={"path": f"{PROJECTS}/of-mallet/{name}"}, gunicorn_requirements=[], **more)

    def test_a_work_tree_runs_no_command_of_its_own_as_another(self):
        mallet = int(on_server("id", "--user", "mallet"))
        for check in (True, False):
            self.source("promisor", check=check)
            self.assertEqual([each["uid"] for each in self.marks() if each["uid"] != mallet], [])

    def test_a_work_tree_brings_nothing_that_its_owner_can_t_read(self):
        self.source("inward")
        self.assertEqual(on_server("grep", "-rl", "planted-secret", "/srv", check=False), "")

    def test_a_work_tree_is_not_written_beside_its_copy(self):
        self.source("outward")
        self.assertEqual(on_server("ls", "/hostile/beside"), "")

    def test_whatever_git_does_it_sees_and_changes_nothing(self):
        # Here git does first what it would if one of its faults were made use of.
        program = "import tries; tries.mark('git', *tries.QUICKLY)"
        script = f'#!/bin/sh\npython3 -c "{program}" && exec /usr/bin/git "$@"\n'
        on_server("install", "-D", "/opt/hostile/tries.py", "/usr/lib/python3/dist-packages/tries.py")
        on_server("install", "--mode=755", "/dev/stdin", "/usr/local/bin/git", stdin=script)
        self.addCleanup(on_server, "rm", "/usr/local/bin/git")
        mallet = int(on_server("id", "--user", "mallet"))
        for url, mallets in (("http://127.0.0.1:8004/served.git", False), (f"{PROJECTS}/of-mallet/inward", True)):
            with self.subTest(url):
                self.setUp()
                self.repository(url)
                self.assertTrue(self.marks())
                self.assertEqual({each["uid"] == mallet for each in self.marks()}, {mallets})
                self.assert_nothing_worked()

    def test_a_repository_that_fills_any_disk_is_refused(self):
        self.assert_refused(
            self.repository("http://127.0.0.1:8004/bomb.git"), "gunicorn_source.git", "more than 200000 files"
        )
        self.assertEqual(on_server("find", "/srv", "-name", ".stage-*"), "")

    def test_an_archive_brings_no_links_devices_or_names_that_lead_out(self):
        for name in ("link", "chain", "hard", "device", "name"):
            with self.subTest(name):
                self.assert_refused(self.archive(f"{name}.tar.gz"), "gunicorn_source.archive")
        self.assertEqual(on_server("ls", "/opt/hostile/open"), "")

    def test_an_archive_that_never_ends_is_refused(self):
        for name in ("bomb.zip", "many.tar.gz"):
            with self.subTest(name):
                self.assert_refused(self.archive(name), "gunicorn_source.archive")
        self.assertEqual(on_server("find", "/srv", "-name", ".stage-*"), "")

    def repository(self, url):
        name = url.rpartition("/")[2].removesuffix(".git")
        return module("app_source", name=name, user="mallet", git=url)

    def archive(self, name):
        digest = on_server("sha256sum", f"{PROJECTS}/{name}").split()[0]
        return module(
            "app_source", name="packed", user="mallet", archive=f"http://127.0.0.1:8004/{name}", sha256=digest
        )


class StaticFiles(Attack):
    """An app whose static files nginx serves."""

    def gallery(self, *links):
        return deploy(
            role="django",
            gunicorn_name="gallery",
            gunicorn_source={"path": f"{PROJECTS}/gallery"},
            gunicorn_wsgi_app="gallery.wsgi:application",
            gunicorn_env={"LINKS": " ".join(links)},
            django_migrate=False,
            django_check_deploy=False,
        )

    def test_a_link_among_them_leads_nowhere(self):
        for target in ("/etc/passwd", "/var/log/nginx/access.log", "../env", "/srv/shop/current/env"):
            with self.subTest(target):
                self.assert_refused(self.gallery(target), "linked-", target)

    def test_a_link_to_another_of_them_becomes_a_file(self):
        self.assert_worked(self.gallery("picture.txt"))
        self.assertEqual(on_server("find", "/srv/gallery/current/static", "-type", "l"), "")
        path = "/srv/gallery/current/static/static/linked-picture.txt"
        self.assertEqual(on_server("cat", path), "a picture\n")


class Accounts(Attack):
    """Accounts without rights, and what they can put in the way."""

    def test_nobody_can_keep_nginx_from_its_sites(self):
        lock = "for lock in $(find / /run -xdev -name '*.lock' -o -name lock); do flock $lock sleep 600 & done; touch /tmp/all-held; wait"
        on_server("systemd-run", "--quiet", "--unit=holder", "--uid=mallet", "sh", "-c", lock)
        self.addCleanup(on_server, "systemctl", "stop", "holder")
        on_server("timeout", "60", "sh", "-c", "until test -e /tmp/all-held; do sleep 0.1; done; sleep 1")
        self.assert_worked(module("nginx_site", app="bank", server_names=["bank.example.com"]))

    def test_an_app_can_t_keep_its_next_release_from_its_place(self):
        self.assert_worked(deploy())
        ask("mallory", "/lock")
        self.assert_worked(deploy(gunicorn_env={"TURN": "2"}))

    def test_a_worker_can_t_keep_its_next_release_from_its_place(self):
        worker = {"worker": {"command": ["python", "holder.py"], "settle": 1}}
        for turn in "12":
            self.assert_worked(deploy(gunicorn_processes=worker, gunicorn_env={"TURN": turn}))

    def test_what_else_keeps_it_from_there_is_named_and_nothing_ends(self):
        self.assert_worked(deploy())
        lock = "/var/lib/gunicorn-mallory"
        ask("mallory", "/leave")
        hold = ["/usr/local/bin/gunicorn-mallory", "run", "python", "holder.py", lock]
        now = on_server("date", "+@%s").strip()
        on_server("systemd-run", "--quiet", "--collect", "--unit=holder", *hold)
        self.addCleanup(on_server, "systemctl", "stop", "holder", "gunicorn-mallory-command-*")
        # In quotes, as it says what it has.
        told = f"""journalctl --since={now} --identifier=gunicorn-mallory | grep --quiet "'{lock}'" """
        on_server("timeout", "60", "sh", "-c", f"until {told}; do sleep 0.1; done")
        since = ["systemctl", "show", "--property=MainPID,NRestarts", "gunicorn-mallory@*.service"]
        before = on_server(*since)
        outcome = deploy(gunicorn_env={"TURN": "2"})
        self.assert_refused(outcome, lock, "gunicorn-mallory-command-", "is still active, untouched")
        self.assertEqual(on_server(*since), before)

    def test_an_app_that_never_loads_holds_nobody_up(self):
        app = {"gunicorn_name": "waiting"}
        outcome = deploy(**app, gunicorn_env={"WAITS": "yes"}, gunicorn_health={"timeout": 5})
        self.assert_refused(outcome, "gunicorn_health.timeout", "5 s")
        self.assertEqual(on_server("systemctl", "list-units", "--plain", "--no-legend", "gunicorn-waiting-*run*"), "")
        self.assert_worked(deploy(**app))

    def test_a_git_server_that_is_silent_holds_nobody_up(self):
        outcome = deploy(gunicorn_name="silent", gunicorn_source={"git": "http://127.0.0.1:8005/silent.git"})
        self.assert_refused(outcome, "gunicorn_source.git", "127.0.0.1:8005")

    def test_root_writes_through_no_link(self):
        folder = "/home/mallet/conf"
        links = f"mkdir --parents {folder}; cd {folder}; for end in new tmp; do ln -sf /opt/hostile/precious gunicorn.conf.py.$end; done"
        on_server("sh", "-c", links, user="mallet")
        config = {
            "settings": {"workers": 1},
            "wsgi_app": "wsgiref.simple_server:demo_app",
            "dest": f"{folder}/gunicorn.conf.py",
        }
        self.assert_worked(module("gunicorn_config", python="/srv/shop/current/venv/bin/python", **config))
        self.assertEqual(on_server("cat", "/opt/hostile/precious"), "as it was\n")


class Administrator(Attack):
    """What the roles didn't make."""

    def test_a_folder_with_a_key_is_no_app(self):
        before = on_server("ls", "-l", "/srv/tls")
        self.assert_refused(deploy(gunicorn_name="tls"), "/srv/tls exists and was not made by this role")
        self.assert_refused(deploy(gunicorn_name="tls", gunicorn_state="absent"), "/srv/tls was not made by this role")
        self.assertNotIn('"tls"', module("gunicorn_info")[1])
        self.assertEqual(on_server("ls", "-l", "/srv/tls"), before)

    def test_accounts_without_a_comment_are_nobody_s(self):
        self.assertNotIn(
            "account", module("gunicorn_removal", check=True, name="none", account_comment="")[1].split('"removed"')[1]
        )


class Inside(Attack):
    """An app that serves, and what it runs."""

    def test_nothing_works_that_the_docs_say_can_t_be_done(self):
        self.assert_worked(deploy())
        self.assertEqual(set(json.loads(ask("mallory", "/tries"))), {"execute what is in memory"})
        command = on_server("gunicorn-mallory", "run", "python", "tries.py")
        self.assertEqual(set(json.loads(command)), {"execute what is in memory"})
        self.assert_nothing_worked()

    def test_all_of_it_works_without_the_sandbox(self):
        own = ["STATE_DIRECTORY=/opt/hostile/open", f"UV_DEFAULT_INDEX={INDEX}", f"http_proxy={PROXY}"]
        tried = set(json.loads(on_server("env", *own, "python3", "/opt/hostile/tries.py")))
        self.assertLessEqual(EVERYTHING, tried)


class Given(Attack):
    """An app that is given more than it has by itself, or whose unit somebody edits."""

    def test_nothing_works_where_it_is_given_all_that_it_can_be(self):
        look = "import time, tries; tries.mark('a process'); time.sleep(3600)"
        given = {
            "gunicorn_unit": CLOSED,
            "gunicorn_writable_paths": ["/data/mallory"],
            "gunicorn_shared_paths": ["uploads/"],
            "gunicorn_media": {"url": "/media/", "path": "media"},
            "gunicorn_processes": {"looker": {"command": ["python", "-c", look], "settle": 1}},
            "gunicorn_env": {"OWN": "/data/mallory:uploads"},
        }
        self.assert_worked(deploy(**given))
        self.assertEqual(json.loads(ask("mallory", "/tries")), {})
        self.assertEqual(json.loads(on_server("gunicorn-mallory", "run", "python", "tries.py")), {})
        deadline = time.monotonic() + 60
        while "a process" not in [each["who"] for each in self.marks()] and time.monotonic() < deadline:
            time.sleep(0.5)
        self.assertIn("a process", [each["who"] for each in self.marks()])
        self.assert_nothing_worked()

    def test_what_somebody_wrote_into_its_unit_is_gone_with_the_next_run(self):
        self.assert_worked(deploy(gunicorn_unit=CLOSED))
        release = on_server("readlink", "/srv/mallory/current").strip().rpartition("/")[2]
        unit = f"gunicorn-mallory@{release}.service"
        path = f"/etc/systemd/system/{unit}"
        on_server("sed", "--in-place", "s/^ProtectSystem=.*/ProtectSystem=no/; s/^ReadOnlyPaths=.*//", path)
        on_server("sh", "-c", f"systemctl daemon-reload; systemctl restart {unit}")
        self.assertNotEqual(json.loads(ask("mallory", "/tries")), {})
        self.assert_worked(deploy(gunicorn_unit=CLOSED))
        self.assertEqual(json.loads(ask("mallory", "/tries")), {})


class Victims(Attack):
    """Last, the apps beside the attackers'."""

    def test_they_are_as_they_were(self):
        for app in ("shop", "bank"):
            self.assertEqual(ask(app), "one order\n")
            self.assertEqual(len(on_server("ls", f"/srv/{app}/releases").split()), 1)


def of_this_host():
    """Return the names of the attacks that are made on this host, in their order."""
    names = [name for name, each in globals().items() if isinstance(each, type) and Attack in each.__bases__]
    return [name for name in names if os.environ.get("STACK_SERVERS") or ON_ONE.get(name, HOST) == HOST]


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(sys.argv[3:] or of_this_host())], verbosity=2)
