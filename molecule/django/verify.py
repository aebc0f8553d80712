"""What a visitor and the host's owner see of the example project; runs on the server, which it asks by way of nginx."""

import http.cookiejar
import json
import os
import pathlib
import pty
import pwd
import re
import signal
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

SITE = "http://127.0.0.1"
APP = pathlib.Path("/srv/shop")
RELEASE = os.path.basename(os.readlink(APP / "current"))
SERVICE = f"gunicorn-shop@{RELEASE}.service"
SECRET_KEY = "5 %n $HOME `id` \"quoted\" 'single' back\\slash é\nsecond line "


def run(*argv):
    """Return what a command prints."""
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def get(path, headers=None):
    """Return status, headers and body of a page."""
    try:
        with urllib.request.urlopen(urllib.request.Request(SITE + path, headers=headers or {}), timeout=120) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def main_pid():
    """Return the process id of gunicorn's arbiter."""
    return run("systemctl", "show", SERVICE, "--property=MainPID", "--value").strip()


def workers():
    """Return the process ids of its workers."""
    return pathlib.Path(f"/proc/{main_pid()}/task/{main_pid()}/children").read_text().split()


class Visitor(unittest.TestCase):
    def test_the_page_takes_a_line_and_keeps_it(self):
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        line = f"A line of {time.time()}"
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.open(SITE).read().decode())[1]
        form = urllib.parse.urlencode({"text": line, "csrfmiddlewaretoken": token}).encode()
        request = urllib.request.Request(SITE, form, headers={"Origin": SITE})
        self.assertIn(line, browser.open(request).read().decode())

    def test_nginx_serves_the_static_files(self):
        path = re.search(r'href="(/static/guestbook/book\.\w+\.css)"', get("/")[2])[1]
        status, headers, body = get(path)
        self.assertEqual((status, headers["Content-Type"]), (200, "text/css"))
        self.assertIn("immutable", headers["Cache-Control"])
        self.assertIn("font-family", body)
        self.assertIn("must-revalidate", get("/static/admin/css/base.css")[1]["Cache-Control"])
        self.assertNotIn("Cache-Control", get("/")[1])

    def test_files_of_the_release_are_no_pages(self):
        for path in ("/../env", "/static/../../env", "/static../env", "/env", "/release.json", "/src/manage.py"):
            self.assertIn(get(path)[0], (400, 404), path)

    def test_a_client_cannot_pretend(self):
        seen = json.loads(
            get(
                "/request/",
                {
                    "X-Forwarded-Proto": "https",
                    "X-Forwarded-Ssl": "on",
                    "X-Forwarded-For": "203.0.113.9",
                    "X-Forwarded-Host": "evil.example",
                    "X-Real-IP": "203.0.113.9",
                    "Forwarded": "for=203.0.113.9;proto=https",
                    "Script-Name": "/evil",
                    "SCRIPT_NAME": "/evil",
                    "Host": "www.example.com",
                },
            )[2]
        )
        self.assertEqual((seen["host"], seen["scheme"], seen["path"]), ("www.example.com", "http", "/request/"))
        self.assertEqual(seen["address"], "127.0.0.1")
        self.assertEqual(seen["headers"]["X-Forwarded-For"], "127.0.0.1")
        self.assertEqual(seen["headers"]["X-Real-Ip"], "127.0.0.1")
        self.assertNotIn("203.0.113.9", json.dumps(seen["headers"]))
        self.assertNotIn("evil", json.dumps(seen["headers"].get("X-Forwarded-Host", "")))

    def test_a_killed_gunicorn_costs_no_request(self):
        before, hands = main_pid(), workers()
        os.kill(int(before), signal.SIGKILL)
        # What a worker has in hand dies with it; what comes after that waits in the socket.
        while any(os.path.exists(f"/proc/{pid}") for pid in hands):
            time.sleep(0.01)
        self.assertEqual(get("/")[0], 200)
        self.assertNotEqual(main_pid(), before)


class Owner(unittest.TestCase):
    def test_workers_are_two_per_cpu_and_one_and_none_is_root(self):
        self.assertEqual(len(workers()), 2 * os.cpu_count() + 1)
        for pid in [main_pid(), *workers()]:
            self.assertEqual(pwd.getpwuid(os.stat(f"/proc/{pid}").st_uid).pw_name, "shop")

    def test_the_reason_for_the_workers_is_on_record(self):
        plan = json.loads((APP / "current/release.json").read_text())["plan"]
        self.assertEqual((plan["workers"], plan["limit"]), (2 * os.cpu_count() + 1, "cpus"))

    def test_the_environment_arrives_unchanged(self):
        environ = pathlib.Path(f"/proc/{workers()[0]}/environ").read_text().split("\0")
        self.assertIn(f"SECRET_KEY={SECRET_KEY}", environ)
        self.assertIn("DJANGO_SETTINGS_MODULE=shop.settings", environ)

    def test_secrets_and_code_are_closed_to_others(self):
        env = (APP / "current/env").stat()
        self.assertEqual((env.st_mode & 0o777, env.st_uid), (0o600, 0))
        for path in ("current/env", "current/src/manage.py", "current/venv/bin/python", "current/gunicorn.conf.py"):
            with self.assertRaises(subprocess.CalledProcessError, msg=path):
                run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "head", "-c1", str(APP / path))

    def test_no_secret_is_told(self):
        self.assertNotIn("marked-as-secret", run("journalctl", "--no-pager", "--all"))
        told = subprocess.run(
            ["grep", "-rl", "marked-as-secret", "/srv", "/etc", "/run", "/var/log"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split()
        self.assertEqual({os.path.basename(path) for path in told}, {"env"})

    def test_the_app_can_write_nothing_but_its_state(self):
        shop = pwd.getpwnam("shop")
        written = run("find", str(APP), "(", "-user", "shop", "-o", "-perm", "/022", "!", "-type", "l", ")")
        self.assertEqual(written, "")
        self.assertEqual(pathlib.Path("/var/lib/gunicorn-shop/db.sqlite3").stat().st_uid, shop.pw_uid)

    def test_no_start_has_to_compile_what_is_installed(self):
        (django,) = APP.glob("current/venv/lib/python3*/site-packages/django")
        compiled = {path.name.partition(".")[0] for path in (django / "db/models").glob("__pycache__/*.pyc")}
        self.assertEqual(compiled, {path.stem for path in (django / "db/models").glob("*.py")})

    def test_what_the_app_writes_does_not_run(self):
        unit = pathlib.Path(f"/etc/systemd/system/{SERVICE}").read_text().partition("[Service]\n")[2]
        of_the_service = ("Type", "NotifyAccess", "Exec", "KillMode", "Timeout", "Restart")
        lines = [line.replace("%i", RELEASE) for line in unit.splitlines() if not line.startswith(of_the_service)]
        sandbox = ["systemd-run", "--quiet", "--wait", "--pipe", *(f"--property={line}" for line in lines)]
        for folder in ("/var/lib/gunicorn-shop", "/tmp", "/var/tmp", "/dev/shm"):
            tried = (
                f"cp /usr/bin/true {folder}/program && echo wrote; {folder}/program && echo ran; rm {folder}/program"
            )
            self.assertEqual(run(*sandbox, "--", "sh", "-c", tried), "wrote\n", folder)

    def test_the_sandbox_holds(self):
        last = run("systemd-analyze", "--no-pager", "security", SERVICE).strip().splitlines()[-1]
        self.assertLessEqual(float(re.search(r": ([0-9.]+) ", last)[1]), 1.2)

    def test_the_service_starts_without_a_complaint(self):
        pid = main_pid()
        said = run("journalctl", "--no-pager", "--output=cat", f"_PID={pid}")
        self.assertIn("Starting gunicorn", said)
        self.assertNotRegex(said, "ERROR|WARNING|Traceback")

    def test_everything_runs(self):
        self.assertEqual(run("systemctl", "list-units", "--failed", "--plain", "--no-legend"), "")

    def test_people_can_stop_and_start_it(self):
        run("systemctl", "stop", "gunicorn-shop")
        self.assertEqual(get("/")[0], 502)
        run("systemctl", "start", "gunicorn-shop")
        self.assertEqual(get("/")[0], 200)
        run("systemctl", "restart", "gunicorn-shop")
        self.assertEqual(get("/")[0], 200)

    def test_the_distribution_s_default_site_is_kept_aside(self):
        self.assertIn("shop", pathlib.Path("/etc/nginx/sites-available/default").read_text())
        self.assertIn(
            "Default server configuration", pathlib.Path("/etc/nginx/sites-available/default.original").read_text()
        )


class Commands(unittest.TestCase):
    """What people run by gunicorn-shop."""

    def test_a_command_looks_as_the_service_does(self):
        names = ("Uid", "Gid", "Groups", "CapBnd", "CapEff", "NoNewPrivs", "Seccomp", "Umask")
        of_service = pathlib.Path(f"/proc/{main_pid()}/status").read_text()
        of_command = run("gunicorn-shop", "run", "cat", "/proc/self/status")
        rows = [re.findall(rf"^(?:{'|'.join(names)}):.*$", text, re.MULTILINE) for text in (of_service, of_command)]
        self.assertEqual(*rows)
        self.assertEqual(len(rows[0]), len(names))
        limits = pathlib.Path(f"/proc/{main_pid()}/limits").read_text()
        self.assertEqual(run("gunicorn-shop", "run", "cat", "/proc/self/limits"), limits)
        source = os.path.realpath(APP / "current/src")
        self.assertEqual(run("gunicorn-shop", "run", "pwd"), f"{source}\n")
        tell = "import os; print(ascii([os.environ[name] for name in ('SECRET_KEY', 'STATE_DIRECTORY')]))"
        state = "/var/lib/gunicorn-shop"
        self.assertEqual(run("gunicorn-shop", "run", "python", "-c", tell), f"{[SECRET_KEY, state]!a}\n")
        with self.assertRaises(subprocess.CalledProcessError):
            run("gunicorn-shop", "run", "touch", f"{source}/x")

    def test_words_pipes_and_exit_status_are_passed_on(self):
        words = ["$HOME", "${A}", "%n", "$$", "a b", "'", '"', "\\n", ""]
        self.assertEqual(run("gunicorn-shop", "run", "printf", "<%s>", *words), "".join(f"<{word}>" for word in words))
        argv = ["gunicorn-shop", "run", "sh", "-c", "cat; exit 7"]
        done = subprocess.run(argv, input="handed on", capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (7, "handed on"))
        self.assertEqual(json.loads(run("gunicorn-shop", "manage.py", "dumpdata", "sessions")), [])

    def test_a_superuser_is_made_on_a_terminal(self):
        pid, terminal = pty.fork()
        if not pid:
            os.execvp("gunicorn-shop", ["gunicorn-shop", "manage.py", "createsuperuser"])
        answers = {"Username": f"boss{pid}", "Email": "", "Password:": "x-7-Strange", "(again)": "x-7-Strange"}
        said = ""
        for prompt, answer in answers.items():
            while prompt not in said:
                said += os.read(terminal, 1000).decode()
            os.write(terminal, f"{answer}\n".encode())
        while "created" not in said:
            said += os.read(terminal, 1000).decode()
        self.assertNotIn("Strange", said)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)

    def test_keys_are_the_commands(self):
        pid, terminal = pty.fork()
        if not pid:
            os.execvp("gunicorn-shop", ["gunicorn-shop", "run", "sh", "-c", "echo here; sleep 60"])
        while b"here" not in os.read(terminal, 1000):
            pass
        os.write(terminal, b"\x03")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 130)

    def test_who_ends_it_ends_the_command(self):
        argv = ["gunicorn-shop", "run", "sh", "-c", "echo here; sleep 60"]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(30), 143)
        self.assertEqual(run("systemctl", "list-units", "--plain", "--no-legend", "gunicorn-shop-command-*"), "")

    def test_status_and_logs_are_of_this_app(self):
        told = run("gunicorn-shop", "status")
        self.assertRegex(told, rf"\Ashop: release {RELEASE} \(no version\) is active since ")
        self.assertRegex(told, rf"{re.escape(SERVICE)} +active \(running\) +since .* [0-9]+ processes")
        lines = run("gunicorn-shop", "logs", "--lines=20").splitlines()
        self.assertTrue(lines)
        self.assertEqual([line for line in lines if "gunicorn-shop" not in line], [])

    def test_it_takes_root(self):
        argv = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "gunicorn-shop", "shell"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (1, "gunicorn-shop: needs root: sudo gunicorn-shop shell\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
