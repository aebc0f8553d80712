"""Every line of the guide as a visitor and the host's owner see it; runs on the server."""

import http.client
import json
import os
import pathlib
import subprocess
import unittest

APP = pathlib.Path("/srv/mysite")
P3P = 'CP="ALL DSP COR PSAa PSDa OUR NOR ONL UNI COM NAV"'
SERVICE = f"gunicorn-mysite@{os.path.basename(os.readlink(APP / 'current'))}.service"


def get(path="/", port=80, address="127.0.0.1", **headers):
    """Return status, headers (list of pairs) and body of an answer."""
    connection = http.client.HTTPConnection(address, port, timeout=20)
    connection.request("GET", path, headers={"Host": "www.example.com"} | headers)
    answer = connection.getresponse()
    return answer.status, answer.getheaders(), answer.read().decode()


def seen(**options):
    """Return what the app saw of a request."""
    return json.loads(get(**options)[2])


def main_pid():
    """Return the process id of gunicorn's arbiter."""
    show = ["systemctl", "show", SERVICE, "--property=MainPID", "--value"]
    return subprocess.run(show, capture_output=True, text=True, check=True).stdout.strip()


def listening(port):
    """Return the local addresses on which something listens at a port."""
    argv = ["ss", "-Hltn", f"sport = :{port}"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[3] for line in lines}


class Gunicorn(unittest.TestCase):
    def test_it_runs_from_the_virtual_environment_with_the_configuration_file(self):
        argv = pathlib.Path(f"/proc/{main_pid()}/cmdline").read_text().split("\0")
        self.assertTrue(argv[0].startswith("/srv/mysite/releases/"), argv)
        self.assertTrue(argv[0].endswith("/venv/bin/python"), argv)
        self.assertRegex(" ".join(argv), r"--config /srv/mysite/releases/\w+/gunicorn\.conf\.py")

    def test_it_runs_the_project_s_wsgi_from_the_folder_of_manage_py(self):
        self.assertIn("wsgi_app = 'mysite.wsgi", (APP / "current/gunicorn.conf.py").read_text())
        self.assertTrue(os.path.isfile(os.path.join(seen()["folder"], "manage.py")))

    def test_the_project_s_own_configuration_came_along(self):
        self.assertRegex(seen()["worker"], r"^[0-9]+$")

    def test_it_listens_on_the_port_for_this_host_alone(self):
        self.assertEqual(listening(9999), {"127.0.0.1:9999"})
        self.assertEqual(seen(port=9999)["greeting"], "Hello from lib")

    def test_workers_are_two_per_cpu_and_one(self):
        children = pathlib.Path(f"/proc/{main_pid()}/task/{main_pid()}/children").read_text().split()
        self.assertEqual(len(children), 2 * os.cpu_count() + 1)

    def test_the_app_has_a_user_of_its_own(self):
        self.assertEqual(seen()["user"], "mysite")

    def test_pythonpath_and_environment_reach_the_app(self):
        self.assertEqual((seen()["greeting"], seen()["guide"]), ("Hello from lib", "raw_env"))

    def test_the_limits_refuse(self):
        field, fields = {"X-Long": "x" * 3001}, {f"X-{number}": "x" for number in range(41)}
        for port in (80, 9999):
            self.assertEqual(get("/" + "x" * 1900, port)[0], 200)
            self.assertEqual(get("/" + "x" * 2000, port)[0], 414)
            self.assertEqual(get(port=port, **field)[0], 431)
            self.assertEqual(get(port=port, **fields)[0], 431)


class Nginx(unittest.TestCase):
    def test_it_is_the_default_site_on_both_families(self):
        self.assertEqual(listening(80), {"0.0.0.0:80", "[::]:80"})
        self.assertEqual(get(Host="what.ever.example")[0], 200)
        if pathlib.Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6").read_text().strip() == "0":
            self.assertEqual(get(address="::1")[0], 200)

    def test_the_site_reads_like_the_guide(self):
        text = pathlib.Path("/etc/nginx/sites-enabled/default").read_text()
        for line in (
            "listen 80 default_server;",
            "listen [::]:80 default_server;",
            "root /var/www/html;",
            "index index.html index.htm index.nginx-debian.html;",
            "server_name _;",
            "server 127.0.0.1:9999;",
        ):
            self.assertIn(f"    {line}\n", text)

    def test_the_request_headers_arrive(self):
        pretended = {"X-Forwarded-Host": "evil.example", "X-Real-IP": "203.0.113.9"}
        headers = seen(Host="shop.example.com", **pretended)["headers"]
        self.assertEqual((headers["Host"], headers["X-Forwarded-Host"]), ("shop.example.com", "shop.example.com"))
        self.assertEqual(headers["X-Real-Ip"], "127.0.0.1")

    def test_the_response_headers_are_there_once(self):
        headers = get(Origin="https://elsewhere.example")[1]
        self.assertEqual([value for name, value in headers if name == "P3P"], [P3P])
        self.assertEqual([value for name, value in headers if name == "Access-Control-Allow-Origin"], ["*"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
