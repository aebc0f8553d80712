"""What a visitor sees of the projects; runs on the server, and asks by way of nginx."""

import html.parser
import http.cookiejar
import json
import sys
import unittest
import urllib.parse
import urllib.request

PROJECTS = json.loads(sys.argv.pop(1))
TEXT = "What a visitor wrote"


class Page(html.parser.HTMLParser):
    """The address of a style sheet in a page, and what the page hides in a form."""

    def __init__(self, text):
        super().__init__()
        self.style, self.hidden = "", {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "link" and attrs.get("rel") == "stylesheet":
            self.style = self.style or attrs["href"]
        if tag == "input" and attrs.get("type") == "hidden":
            self.hidden[attrs["name"]] = attrs.get("value", "")


class Browser:
    """Somebody who visits a project's host."""

    def __init__(self, host):
        self._host = host
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"http": "http://127.0.0.1"}),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        )

    def open(self, path, form=None):
        """Return an answer and its text."""
        url = urllib.parse.urljoin(f"http://{self._host}", path)
        data = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(url, data, {"Origin": f"http://{self._host}"} if form else {})
        with self._opener.open(request, timeout=20) as answer:
            return answer, answer.read().decode()


class Visitor(unittest.TestCase):
    def test_the_form_takes_what_is_written(self):
        for project in PROJECTS:
            with self.subTest(project["name"]):
                browser = Browser(f"{project['name']}.example.com")
                page = Page(browser.open(project.get("form", "/"))[1])
                form = project.get("fields", {"text": TEXT}) | page.hidden
                self.assertIn(project.get("says", TEXT), browser.open(project.get("form", "/"), form)[1])

    def test_the_style_sheet_is_there(self):
        for project in PROJECTS:
            with self.subTest(project["name"]):
                browser = Browser(f"{project['name']}.example.com")
                page = Page(browser.open(project.get("form", "/"))[1])
                answer, text = browser.open(page.style)
                self.assertEqual(answer.headers.get_content_type(), "text/css")
                self.assertIn("{", text)


class Next(unittest.TestCase):
    def test_what_was_written_is_there_for_visitors_of_the_next_release(self):
        for project in PROJECTS:
            if "writes" in project:
                with self.subTest(project["name"]):
                    self.assertIn(TEXT, Browser(f"{project['name']}.example.com").open("/")[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
