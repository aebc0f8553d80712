"""What people do with a browser, over HTTPS, and what they see; runs on the server, with the Python that has Playwright."""

import contextlib
import pathlib
import subprocess
import unittest

from playwright.sync_api import sync_playwright

ALBUM, SHOP = "https://album.example.com", "https://shop.example.com"
HERE = pathlib.Path(__file__).parent
CLOSED = pathlib.Path("/srv/shop/maintenance")
# Tells the album, as whoever looks at it.
SCRIPT = "fetch('/echo/stolen?' + document.cookie + document.title)"
EVIL = {
    "evil-page.html": f"<!doctype html><title>x</title><script>{SCRIPT}</script>",
    "evil-picture.svg": f'<svg xmlns="http://www.w3.org/2000/svg"><script>{SCRIPT}</script></svg>',
    "evil-page.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><script>{SCRIPT}</script></html>',
    "evil-page.xml": f'<x:script xmlns:x="http://www.w3.org/1999/xhtml">{SCRIPT}</x:script>',
    "evil-page.txt": f"<!doctype html><title>x</title><script>{SCRIPT}</script>",
    "evil": f"<!doctype html><title>x</title><script>{SCRIPT}</script>",
}


class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        playwright = cls.enterClassContext(sync_playwright())
        # It is root's here, and has no sandbox of its own in a container.
        how = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}
        cls.browser = cls.enterClassContext(playwright.chromium.launch(**how))

    def page(self):
        """Return a page of somebody who was not here before."""
        # That the certificates are right is looked at elsewhere.
        context = self.browser.new_context(ignore_https_errors=True, viewport={"width": 640, "height": 320})
        self.addCleanup(context.close)
        return context.new_page()

    def editor(self):
        """Return a page of somebody who has logged in."""
        page = self.page()
        page.goto(ALBUM)
        page.fill("[name=username]", "editor")
        page.fill("[name=password]", "of-the-album")
        page.click("button")
        page.wait_for_selector("h1")
        return page

    def test_who_logs_in_can_send_a_file(self):
        page = self.editor()
        self.assertEqual(page.url, f"{ALBUM}/")
        cookies = {each["name"]: each for each in page.context.cookies()}
        self.assertTrue(all(cookies[name]["secure"] for name in ("sessionid", "csrftoken")))
        size = 300_000
        page.set_input_files("[name=file]", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"n" * size})
        page.click("button")
        link = page.get_by_text("notes.txt", exact=True).get_attribute("href")
        self.assertEqual(len(page.request.get(f"{ALBUM}{link}").body()), size)

    def test_a_form_of_another_page_is_refused(self):
        page = self.editor()
        page.route("https://elsewhere.example.com/", lambda route: route.fulfill(body=form, content_type="text/html"))
        form = f'<form method="post" action="{ALBUM}/"><button>Send</button></form>'
        page.goto("https://elsewhere.example.com/")
        with page.expect_navigation() as answer:
            page.click("button")
        self.assertEqual(answer.value.status, 403)

    def test_a_script_in_what_people_send_does_not_run(self):
        page = self.editor()
        for name, text in EVIL.items():
            with self.subTest(name):
                page.goto(ALBUM)
                page.set_input_files("[name=file]", {"name": name, "mimeType": "text/html", "buffer": text.encode()})
                page.click("button")
                link = page.get_by_text(name, exact=True).get_attribute("href")
                self.assertIn("stolen", page.request.get(f"{ALBUM}{link}").text())
                asked = []
                page.on("request", lambda request, asked=asked: asked.append(request.url))
                # What is to be saved, and not shown, ends a visit.
                with contextlib.suppress(Exception):
                    page.goto(f"{ALBUM}{link}", wait_until="networkidle")
                page.goto(ALBUM, wait_until="networkidle")
                self.assertIn(f"{ALBUM}{link}", asked)
                self.assertEqual([url for url in asked if "stolen" in url], [])

    def test_what_people_see(self):
        page = self.page()
        page.goto(SHOP)
        for line in ("A request that nobody lost.", "Greetings from the release before."):
            page.fill("[name=text]", line)
            page.click("button")
            page.get_by_text(line).first.wait_for()
        page.screenshot(path=HERE / "page.png")
        with self.closed():
            self.assertEqual(page.goto(SHOP).status, 503)
            page.get_by_text("Back soon").first.wait_for()
            page.screenshot(path=HERE / "closed.png")
        with self.stopped():
            self.assertEqual(page.goto(SHOP).status, 502)
            page.get_by_text("Out of order").first.wait_for()
            page.screenshot(path=HERE / "broken.png")
        self.assertEqual(page.goto(SHOP).status, 200)

    @contextlib.contextmanager
    def closed(self):
        CLOSED.touch()
        try:
            yield
        finally:
            CLOSED.unlink()

    @contextlib.contextmanager
    def stopped(self):
        subprocess.run(["systemctl", "stop", "gunicorn-shop"], check=True)
        try:
            yield
        finally:
            subprocess.run(["systemctl", "start", "gunicorn-shop"], check=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
