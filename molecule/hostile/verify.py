"""Attacks the server in a container, one attack a test, and looks at what it got; runs on the controller.

    verify.py CONTAINER HOST [TEST…]

Each deploys what an attacker brought, or does what an account without rights can, and finds that nothing came of it: the
attackers' code tells the server's collector what worked (tries.py, servers.py). Of what is equal but for one word, and
of packages in check mode, all is tried with --full alone.
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
SERVED = "http://127.0.0.1:8004"
INDEX = "http://reader:planted-index@127.0.0.1:8006/simple"
PROXY = "http://clerk:planted-proxy@127.0.0.1:8007"
FULL = os.environ.get("STACK_SERVERS") == "web"
# Whether packages are asked and built in check mode, too, before they are in earnest.
MODES = (True, False) if FULL else (False,)
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


def take(*sources, check=False):
    """Have sources taken, one after the other, and return of each whether that worked and what was said."""
    playbook = [f"--limit={HOST}", *["--check"] * check, str(HERE / "take.yml")]
    worked, said = ansible("ansible-playbook", "--extra-vars", json.dumps({"sources": sources}), *playbook)
    if not worked:
        raise AssertionError(said)
    results = json.loads(json.loads(said.splitlines()[-1])["Tell what came of each"]["said"][0])
    return [(not each["failed"], json.dumps(each)) for each in results]


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

    def who(self):
        """Return who of the attackers' code told something since the test began."""
        return [each["who"] for each in self.marks()]

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

    def test_it_sees_nothing_but_its_own_when_it_is_asked_or_built_or_wherever_python_starts(self):
        # With this index, a build reaches others.
        app = {"gunicorn_name": "indexed", "gunicorn_index": {"url": INDEX}}
        app["gunicorn_requirements"] = ["builder", "legacy", "startup"]
        app["gunicorn_source_files"] = {".env": {"content": "planted", "secret": True}}
        settings = {"workers": 1, "worker_class": "workers.Worker"}
        for check in MODES:
            self.assert_worked(deploy(check=check, gunicorn_settings=settings, **app))
            self.assertTrue(any("build" in who or "setup.py" in who for who in self.who()))
            self.assert_nothing_worked()
        for word in ("builds", "setup.py", ".pth", "worker class"):
            self.assertIn(word, " ".join(self.who()))
        self.assert_built("indexed", app["gunicorn_requirements"])
        self.assertEqual(on_server("cat", "/srv/indexed/current/src/.env"), "planted")
        if FULL:
            deploy(check=True, gunicorn_settings={**settings, "timeout": 31}, **app)
            self.assert_nothing_worked()

    @unittest.skipUnless(FULL, "as with an index, but for the network")
    def test_what_is_built_without_a_network_leaves_nothing_to_write_through(self):
        self.assert_worked(deploy(gunicorn_name="linked", gunicorn_requirements=["builder"]))
        self.assert_built("linked", ["builder"])

    def assert_built(self, app, packages):
        """See that they are in an app's environment; one of them leaves a link to the interpreter, which nobody follows."""
        record = f"/srv/{app}/current/venv/installed.txt"
        for name in packages:
            self.assertIn(f"{name}==1.0", on_server("cat", record))
        self.assertEqual(on_server("find", record, "-type", "l"), "")

    def test_what_is_built_gets_no_password_of_the_proxy_that_it_is_built_behind(self):
        look = "import tries; tries.mark('a command of the build', *tries.QUICKLY)"
        for check in MODES:
            app = {"gunicorn_name": "proxied", "gunicorn_index": {"url": "http://index.example/simple"}}
            app["gunicorn_env"] = {"TURN": str(check)}
            app["gunicorn_build"] = [["/usr/bin/python3", "-c", look]]
            self.assert_worked(
                deploy(check=check, gunicorn_requirements=["builder", "legacy"], way_out={"http_proxy": PROXY}, **app)
            )
            self.assertTrue(any("builds" in who or "setup.py" in who for who in self.who()))
            self.assert_nothing_worked()
        self.assertIn("a command of the build", self.who())
        self.assert_built("proxied", ["builder", "legacy"])

    def test_requirements_read_no_other_file(self):
        for name in ("requirement", "constraint") if FULL else ("requirement",):
            outcome = deploy(gunicorn_source={"path": f"{PROJECTS}/{name}"})
            self.assertNotIn("planted", outcome[1])
            self.assert_refused(outcome, "gunicorn_requirements_file", "/srv/shop/current/env")


class Sources(Attack):
    """Who can write what an app is made of."""

    def test_a_work_tree_runs_reads_and_writes_nothing_that_its_owner_may_not(self):
        mallet = int(on_server("id", "--user", "mallet"))
        trees = [{"name": name, "path": f"{PROJECTS}/of-mallet/{name}"} for name in ("promisor", "inward", "outward")]
        for check in MODES:
            take(*trees, check=check)
            self.assertEqual([each["uid"] for each in self.marks() if each["uid"] != mallet], [])
        self.assertEqual(on_server("grep", "-rl", "planted-secret", "/srv", check=False), "")
        self.assertEqual(on_server("ls", "/hostile/beside"), "")

    def test_whatever_git_does_it_sees_and_changes_nothing(self):
        # Here git does first what it would if one of its faults were made use of.
        program = "import tries; tries.mark('git', *tries.QUICKLY)"
        script = f'#!/bin/sh\npython3 -c "{program}" && exec /usr/bin/git "$@"\n'
        on_server("install", "-D", "/opt/hostile/tries.py", "/usr/lib/python3/dist-packages/tries.py")
        on_server("install", "--mode=755", "/dev/stdin", "/usr/local/bin/git", stdin=script)
        self.addCleanup(on_server, "rm", "/usr/local/bin/git")
        mallet = int(on_server("id", "--user", "mallet"))
        for url, mallets in ((f"{SERVED}/served.git", False), (f"{PROJECTS}/of-mallet/inward", True)):
            with self.subTest(url):
                self.setUp()
                take({"git": url})
                self.assertTrue(self.marks())
                self.assertEqual({each["uid"] == mallet for each in self.marks()}, {mallets})
                self.assert_nothing_worked()

    def test_what_leads_out_never_ends_or_never_begins_is_refused(self):
        names = ("link", "chain", "hard", "device", "name", "many") if FULL else ("link", "device")
        archives = [*(f"{name}.tar.gz" for name in names), "bomb.zip"]
        digests = on_server("sh", "-c", f"cd {PROJECTS} && sha256sum {' '.join(archives)}").split()[::2]
        sources = [
            {"archive": f"{SERVED}/{name}", "sha256": digest} for name, digest in zip(archives, digests, strict=True)
        ]
        sources += [{"git": f"{SERVED}/bomb.git"}, {"git": "http://127.0.0.1:8005/silent.git"}]
        words = [["gunicorn_source.archive"]] * len(archives)
        words += [["gunicorn_source.git", "more than 200000 files"], ["gunicorn_source.git", "127.0.0.1:8005"]]
        for source, outcome, some in zip(sources, take(*sources), words, strict=True):
            with self.subTest(source):
                self.assert_refused(outcome, *some)
        self.assertEqual(on_server("ls", "/opt/hostile/open"), "")
        self.assertEqual(on_server("find", "/srv", "-name", ".stage-*"), "")


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
        targets = ("../env", "/etc/passwd", "/var/log/nginx/access.log", "/srv/shop/current/env")
        for target in targets if FULL else targets[:1]:
            with self.subTest(target):
                self.assert_refused(self.gallery(target), "linked-", target)

    @unittest.skipUnless(FULL, "for --full")
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
        self.assert_worked(module("nginx_site", app="shop", server_names=["shop.example.com"]))

    def test_an_app_that_holds_locks_or_never_loads_keeps_no_release_from_its_place(self):
        app = {"gunicorn_processes": {"worker": {"command": ["python", "holder.py"], "settle": 1}}}
        self.assert_worked(deploy(**app))
        ask("mallory", "/lock")
        outcome = deploy(gunicorn_env={"WAITS": "yes"}, gunicorn_health={"timeout": 5}, **app)
        self.assert_refused(outcome, "gunicorn_health.timeout", "5 s")
        self.assertEqual(on_server("systemctl", "list-units", "--plain", "--no-legend", "gunicorn-mallory-*run*"), "")
        self.assert_worked(deploy(gunicorn_env={"TURN": "2"}, **app))

    @unittest.skipUnless(FULL, "for --full")
    def test_what_else_keeps_a_release_from_its_place_is_named_and_nothing_ends(self):
        app = {"gunicorn_processes": {"worker": {"command": ["python", "holder.py"], "settle": 1}}}
        self.assert_worked(deploy(**app))
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
        outcome = deploy(gunicorn_env={"TURN": "3"}, **app)
        self.assert_refused(outcome, lock, "gunicorn-mallory-command-", "is still active, untouched")
        self.assertEqual(on_server(*since), before)

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
    """An app that is given more than it has by itself, and whose unit somebody edits."""

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
        while "a process" not in self.who() and time.monotonic() < deadline:
            time.sleep(0.5)
        self.assertIn("a process", self.who())
        self.assert_nothing_worked()
        # What somebody writes into its unit is gone with the next run.
        release = on_server("readlink", "/srv/mallory/current").strip().rpartition("/")[2]
        unit = f"gunicorn-mallory@{release}.service"
        path = f"/etc/systemd/system/{unit}"
        on_server("sed", "--in-place", "s/^ProtectSystem=.*/ProtectSystem=no/; s/^ReadOnlyPaths=.*//", path)
        on_server("sh", "-c", f"systemctl daemon-reload; systemctl restart {unit}")
        self.assertNotEqual(json.loads(ask("mallory", "/tries")), {})
        self.assert_worked(deploy(**given))
        self.assertEqual(json.loads(ask("mallory", "/tries")), {})


class Victims(Attack):
    """Last, by its name as well, the app beside the attackers'."""

    def test_it_is_as_it_was(self):
        self.assertEqual(ask("shop"), "one order\n")
        self.assertEqual(len(on_server("ls", "/srv/shop/releases").split()), 1)


if __name__ == "__main__":
    del sys.argv[1:3]
    unittest.main(verbosity=2)
