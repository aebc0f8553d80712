"""What is below the prefix goes to the app, the rest to the folder; runs on the server."""

import json
import unittest
import urllib.error
import urllib.request


def get(path):
    """Return status and body."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


class Prefix(unittest.TestCase):
    def test_what_is_below_it_goes_to_the_app(self):
        self.assertEqual(json.loads(get("/app/page")[1])["path"], "/app/page")

    def test_the_rest_is_the_folder(self):
        self.assertIn("Welcome to nginx", get("/")[1])
        self.assertEqual(get("/nothing-here")[0], 404)
        self.assertEqual(get("/../nginx.conf")[0], 400)


if __name__ == "__main__":
    unittest.main(verbosity=2)
