"""What becomes of certificates, and of a site that closes for a while; runs on the controller.

    verify.py CONTAINER HOST [TEST…]

Each test does what an owner of the server does, or has one of its CAs do something, and looks at what visitors get.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).parent
CONTAINER, HOST = sys.argv[1:3]
RENEWAL, LIVE = "/etc/letsencrypt/renewal/gunicorn-{}.conf", "/etc/letsencrypt/live/gunicorn-{}"
PATIENCE = 60
# With --full, also what takes many runs, and what is equal but for one word.
FULL = os.environ.get("STACK_SERVERS") == "web"


def on_server(*argv, check=True):
    """Run a command on the server and return what it prints, also of what went wrong."""
    command = ["docker", "exec", "--interactive", CONTAINER, *argv]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode:
        raise AssertionError(f"{argv}: {done.stdout}")
    return done.stdout


def play(playbook, *files, **given):
    """Run a playbook with variables; return whether that worked, whether it changed anything, and what it said."""
    argv = ["ansible-playbook", f"--inventory={HERE.parent}/inventory.yml", f"--limit={HOST}", "--diff"]
    argv += [
        f"--extra-vars={json.dumps({'container': CONTAINER})}",
        *(f"--extra-vars=@{HERE / file}" for file in files),
    ]
    done = subprocess.run(
        [*argv, f"--extra-vars={json.dumps(given)}", playbook],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # One line of any length: what is said is not broken where a terminal would end.
    return done.returncode == 0, "changed=0" not in done.stdout, " ".join(done.stdout.split())


def site(project, **given):
    """Play the site of a project again."""
    return play(str(HERE / "again.yml"), f"{project}.yml", **given)


def shown(name, *what):
    """Return of the certificate that visitors are shown its fingerprint and who gave it, or what else is asked for."""
    ask = f"openssl s_client -connect 127.0.0.1:443 -servername {name} </dev/null 2>/dev/null"
    wanted = " ".join(what or ("-fingerprint", "-sha256", "-issuer"))
    return on_server("sh", "-c", f"{ask} | openssl x509 -noout {wanted}")


def until(true):
    """Wait until something is so, and say whether it came to that: for a moment nginx's workers of before answer."""
    end = time.monotonic() + PATIENCE
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


@contextlib.contextmanager
def visitors():
    """Have some visit the shop all the time; yield what will be what they met, once they are gone."""
    met = {}
    on_server("rm", "--force", "/run/enough")
    command = ["docker", "exec", CONTAINER, "python3", "/opt/site/load.py", "/run/enough"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield met
        finally:
            on_server("touch", "/run/enough")
            met.update(json.loads(process.communicate(timeout=PATIENCE)[0]))


class Test(unittest.TestCase):
    def assert_unchanged(self, outcome):
        worked, changed, said = outcome
        self.assertTrue(worked, said)
        self.assertFalse(changed, said)

    def assert_refused(self, outcome, *words):
        worked, _changed, said = outcome
        self.assertFalse(worked, said)
        for word in words:
            self.assertIn(word, said)


class Certificates(Test):
    def test_each_site_has_one_of_its_own_ca(self):
        issuers = {name: shown(f"{name}.example.com").partition("issuer=")[2] for name in ("shop", "www.shop", "album")}
        self.assertTrue(all("Pebble" in issuer for issuer in issuers.values()), issuers)
        self.assertEqual(issuers["shop"], issuers["www.shop"])
        self.assertNotEqual(issuers["shop"], issuers["album"])

    def test_a_renewal_reaches_visitors_loses_none_and_is_no_change(self):
        with visitors() as met:
            self.renew("shop")
        # Who keeps a connection over a reload may find it closed just as he asks.
        self.assertEqual(set(met) - {"GET 200", "POST 403", "crossed"}, set(), met)
        self.assertGreater(met["GET 200"], 20)
        # Beside a site that is broken it takes nobody down, and comes to be seen once that is mended.
        before, broken = shown("shop.example.com"), "/etc/nginx/conf.d/broken.conf"
        self.addCleanup(on_server, "rm", "--force", broken)
        on_server("sh", "-c", f"echo 'server {{ no_such_directive on; }}' > {broken}")
        with visitors() as met:
            renewed = self.have_renewed("shop")
            self.assertTrue(until(lambda: renewed() != before), on_server("journalctl", "--unit=certbot"))
            time.sleep(1)
        self.assertEqual(set(met), {"GET 200", "POST 403"}, met)
        self.assertEqual(shown("shop.example.com"), before)
        on_server("rm", broken)
        on_server("systemctl", "reload", "nginx")
        self.assertTrue(until(lambda: shown("shop.example.com") == renewed()))
        self.assert_unchanged(site("shop"))

    def test_a_name_that_leads_elsewhere_is_named_before_the_ca_is_asked_and_one_that_leads_here_is_shown(self):
        before, orders = shown("shop.example.com"), self.orders()
        astray = {
            "elsewhere.example.com": "it said 'another server'",
            "twofold.example.com": "what answers at its address 127.0.0.3 is not this site",
            "nowhere.example.com": "has no address",
        }
        refused = site("shop", nginx_site_server_names=["shop.example.com", *astray])
        self.assert_refused(refused, *[f"nginx_site_server_names has {name!r}" for name in astray], *astray.values())
        self.assert_refused(refused, "was not asked")
        self.assertEqual(self.orders(), orders)
        self.assertEqual(shown("shop.example.com"), before)
        more = {"nginx_site_server_names": ["shop.example.com", "hand.example.com"]}
        outcome = site("shop", **more)
        self.assertTrue(outcome[0], outcome[2])
        self.assertIn("DNS:hand.example.com", shown("hand.example.com", "-ext", "subjectAltName"))
        if FULL:
            self.assert_unchanged(site("shop", **more))
        self.assertTrue(site("shop")[0])
        self.assertNotIn("hand", shown("shop.example.com", "-ext", "subjectAltName"))

    @unittest.skipUnless(FULL, "for --full")
    def test_a_ca_that_refuses_has_its_words_in_what_is_said_and_one_that_gives_is_asked_for_what_has_expired(self):
        before = shown("album.example.com")
        on_server("sh", "-c", "sed s/500/700/g /opt/site/brief.json | sed s/400/600/g > /opt/site/refuses.json")
        refuses = ["systemd-run", "--quiet", "--unit=pebble-refuses", "--setenv=PEBBLE_WFE_NONCEREJECT=100"]
        on_server(*refuses, "pebble", "-config=/opt/site/refuses.json")
        self.addCleanup(on_server, "systemctl", "stop", "pebble-refuses")
        directory = "https://localhost:16001/dir"
        self.assertTrue(
            until(lambda: "newOrder" in on_server("curl", "--silent", "--insecure", directory, check=False))
        )
        acme = {"email": "ops@example.com", "terms": True, "directory": directory, "ca": "/opt/site/brief.pem"}
        refused = site(
            "album", nginx_site_tls={"acme": acme}, nginx_site_server_names=["album.example.com", "hand.example.com"]
        )
        self.assert_refused(refused, "16001/dir gave no certificate", "an invalid anti-replay nonce")
        self.assertEqual(shown("album.example.com"), before)
        with self.aged("album", days=-1):
            on_server("systemctl", "reload", "nginx")
            self.assertTrue(until(lambda: "Pebble" not in shown("album.example.com")))
            outcome = site("album")
        self.assertTrue(outcome[0], outcome[2])
        self.assertNotIn("the certificate of the app album holds", outcome[2])
        self.assertTrue(until(lambda: "Pebble" in shown("album.example.com")))

    @unittest.skipUnless(FULL, "for --full")
    def test_another_ca_gives_its_own(self):
        issuer, before = shown("shop.example.com", "-issuer"), shown("album.example.com")
        acme = {"email": "ops@example.com", "terms": True, "directory": "https://localhost:14000/dir"}
        other = {"nginx_site_tls": {"acme": {**acme, "ca": "/opt/site/long.pem"}}}
        outcome = site("album", **other)
        self.assertTrue(outcome[0], outcome[2])
        self.assertIn("a certificate for album.example.com from https://localhost:14000/dir", outcome[2])
        self.assertTrue(until(lambda: shown("album.example.com", "-issuer") == issuer))
        self.assert_unchanged(site("album", **other))
        self.renew("album")
        self.assertEqual(shown("album.example.com", "-issuer"), issuer)
        outcome = site("album")
        self.assertTrue(outcome[0], outcome[2])
        back = before.partition("issuer")[2]
        self.assertTrue(until(lambda: shown("album.example.com").partition("issuer")[2] == back))

    @unittest.skipUnless(FULL, "for --full")
    def test_what_a_person_had_certbot_bring_is_not_lost_in_silence_and_what_no_site_has_is_renewed_no_longer(self):
        path, again = "/etc/nginx/sites-available/gunicorn-hand", str(HERE / "again.yml")
        hand = {"nginx_site_app": "hand", "nginx_site_server_names": ["hand.example.com"]}
        outcome = play(again, **hand)
        self.assertTrue(outcome[0], outcome[2])
        # One person has it write into the site, another uses the folder that there is for this.
        where = ["env", "REQUESTS_CA_BUNDLE=/opt/site/long.pem", "certbot", "--server=https://localhost:14000/dir"]
        who = ["--domain=hand.example.com", "--email=ops@example.com", "--agree-tos", "--non-interactive"]
        folder = ["certonly", "--cert-name=in-folder", "--webroot", "-w", "/var/lib/pyweb-stack/acme"]
        on_server(*where, *folder, *who)
        on_server("apt-get", "install", "--quiet=2", "--yes", "--no-install-recommends", "python3-certbot-nginx")
        on_server(*where, "--nginx", "--cert-name=in-site", *who)
        by_hand, before = on_server("cat", path), shown("hand.example.com")
        self.assertIn("managed by Certbot", by_hand)
        for given in ({}, {"nginx_site_tls": {"selfsigned": True}}):
            refused = play(again, **hand, **given)
            self.assert_refused(refused, f"certbot was run by hand for {path}", "set nginx_site_tls")
            self.assertEqual(on_server("cat", path), by_hand)
        outcome = play(again, nginx_site_tls=self.brought("in-site"), **hand)
        self.assertTrue(outcome[0], outcome[2])
        self.assertIn(f"{path} was changed by hand", outcome[2])
        self.assertEqual(shown("hand.example.com"), before)
        outcome = play(again, nginx_site_tls=self.brought("in-folder"), **hand)
        self.assertTrue(outcome[0], outcome[2])
        self.assertTrue(until(lambda: shown("hand.example.com") not in ("", before)))
        # One whose site goes stays for others that use it, and then no longer.
        acme = {"email": "ops@example.com", "terms": True, "directory": "https://localhost:14000/dir"}
        outcome = play(again, **hand, nginx_site_tls={"acme": {**acme, "ca": "/opt/site/long.pem"}})
        self.assertTrue(outcome[0], outcome[2])
        renewal, mail = RENEWAL.format("hand"), "/etc/mail-of-the-hand"
        on_server("sh", "-c", f"echo key /etc/letsencrypt/live/gunicorn-hand/privkey.pem > {mail}")
        outcome = play(again, **hand, nginx_site_state="absent")
        self.assertTrue(outcome[0], outcome[2])
        self.assertIn(f"{mail} names it, so it stays", outcome[2])
        on_server("test", "-e", renewal)
        on_server("rm", mail)
        outcome = play(again, **hand, nginx_site_state="absent")
        self.assertEqual(outcome[:2], (True, True), outcome[2])
        for path in (renewal, "/etc/letsencrypt/live/gunicorn-hand", "/etc/letsencrypt/archive/gunicorn-hand"):
            on_server("test", "!", "-e", path)
        self.assert_unchanged(play(again, **hand, nginx_site_state="absent"))

    def test_while_the_ca_is_down_the_old_one_serves_and_the_next_run_says_how_long(self):
        # The last, by its name as well, that is about the album: a CA of Pebble's that stops forgets whom it knows.
        before = shown("album.example.com")
        on_server("systemctl", "stop", "pebble@brief")
        # It is the business of those alone who have theirs from it.
        self.renew("shop")
        self.assertEqual(shown("album.example.com"), before)
        with self.aged("album", days=14):
            outcome = site("album")
            self.assert_unchanged(outcome)
            self.assertIn("the certificate of the app album holds for 14 more days", outcome[2])
        # One more name takes a certificate that nobody gives: the site goes on with the one that it has.
        names = ["album.example.com", "hand.example.com"]
        refused = site("album", nginx_site_server_names=names)
        self.assert_refused(refused, f"https://localhost:14001/dir gave no certificate for {', '.join(names)}")
        self.assertEqual(shown("album.example.com"), before)

    def brought(self, name):
        """Return what a site has that is to have a certificate that somebody had certbot bring."""
        live = f"/etc/letsencrypt/live/{name}"
        return {"certificate": f"{live}/fullchain.pem", "key": f"{live}/privkey.pem"}

    def renew(self, app):
        """Have certbot renew a certificate; see it shown."""
        name = f"{app}.example.com"
        before = shown(name)
        self.have_renewed(app)
        self.assertTrue(until(lambda: shown(name) != before), on_server("journalctl", "--unit=certbot"))

    def have_renewed(self, app):
        """Have certbot renew a certificate as it does twice a day, as if little of its time were left.

        Return what says of the one that there is then what `shown` says of the one that visitors see.
        """
        on_server(
            "sed", "--in-place", "1i renew_before_expiry = 3000 days\n/renew_before_expiry/d", RENEWAL.format(app)
        )
        # That another one fails is no reason not to renew this one.
        on_server("systemctl", "start", "certbot.service", check=False)
        path = LIVE.format(app) + "/fullchain.pem"
        return lambda: on_server("openssl", "x509", "-noout", "-in", path, "-fingerprint", "-sha256", "-issuer")

    @contextlib.contextmanager
    def aged(self, app, days):
        """Have a certificate of ninety days in the place of an app's, so many of which are left."""
        on_server("/opt/looks/bin/python", "/opt/site/age.py", LIVE.format(app), str(days))
        try:
            yield
        finally:
            back = f'for kept in /etc/letsencrypt/archive/gunicorn-{app}/*.kept; do mv "$kept" "${{kept%.kept}}"; done'
            on_server("sh", "-c", back)

    def orders(self):
        """Return how often the CA was asked for a certificate."""
        return on_server("journalctl", "--unit=pebble@long", "--output=cat").count("/order-plz")


class Maintenance(Test):
    def test_it_closes_and_opens_under_visitors_and_loses_none(self):
        with visitors() as met:
            self.assertTrue(self.close(True)[0])
            self.assertEqual(self.status(), "503")
            self.assertEqual(self.status("--interface", "127.0.0.9"), "200")
            time.sleep(1)
            self.assert_unchanged(site("shop"))
            self.assertEqual(self.status(), "503")
            self.assertTrue(self.close(False)[0])
            self.assertEqual(self.status(), "200")
            time.sleep(1)
        self.assertEqual(set(met), {"GET 200", "GET 503", "POST 403", "POST 503"}, met)
        self.assertGreater(min(met.values()), 20, met)

    def test_an_app_that_is_not_there_is_told_of(self):
        self.assert_refused(self.close(True, "nosuch"), "there is no app 'nosuch' in /srv")

    def close(self, closed, app="shop"):
        return play(str(HERE.parents[1] / "playbooks/maintenance.yml"), gunicorn_name=app, closed=closed)

    def status(self, *how):
        page = [
            "--insecure",
            "--silent",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
            "https://shop.example.com/",
        ]
        return on_server("curl", *how, *page)


if __name__ == "__main__":
    del sys.argv[1:3]
    unittest.main(verbosity=2)
