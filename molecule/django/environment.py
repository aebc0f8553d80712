"""What a dictionary of variables can hold arrives in the app and in its management commands, and nothing else does.

Runs on the controller, for the server in the container that is named: the texts are those that a release writes, and
each is read by the systemd of that server, which starts a process with them in either way.
"""

import json
import subprocess
import sys
import unittest

from ansible.plugins.loader import init_plugin_loader
from hypothesis import example, given, settings
from hypothesis import strategies as st

init_plugin_loader()
from ansible_collections.pyweb.stack.plugins.module_utils._release import env_file, unit_files  # noqa: E402

CONTAINER = sys.argv.pop()
FOLDER = "/run/environments"
SERVICE = unit_files.Service("shop", "shop", "shop", "/srv/shop", "/", "www-data", 30)
# Without its sandbox, which takes most of the time of a start.
PROPERTIES = [line for line in SERVICE.properties(FOLDER) if line[0] in ("User", "Environment", "EnvironmentFile")]
# Takes texts of files, a JSON string a line, and answers each with two environments, none for what did not start.
SERVER = """
import json, os, pathlib, subprocess, sys
folder, properties = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
folder.mkdir(mode=0o700, exist_ok=True)
lines = [*properties, ("Type", "oneshot"), ("ExecStart", "/usr/bin/env -0"), ("StandardOutput", f"truncate:{folder}/out")]
unit = pathlib.Path("/run/systemd/system/environments.service")
unit.write_text("[Service]\\n" + "".join(f"{key}={value}\\n" for key, value in lines))
subprocess.run(["systemctl", "daemon-reload"], check=True)
systemd_run = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", *(f"--property={k}={v}" for k, v in properties)]

def environ(done, printed):
    return None if done.returncode else dict(each.split("=", 1) for each in os.fsdecode(printed).split("\\0")[:-1])

for line in sys.stdin:
    with open(folder / "env", "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(json.loads(line).encode(errors="surrogatepass"))
    started = subprocess.run(["systemctl", "start", unit.name], capture_output=True)
    ran = subprocess.run([*systemd_run, "env", "-0"], capture_output=True)
    print(json.dumps([environ(started, (folder / "out").read_bytes()), environ(ran, ran.stdout)]), flush=True)
"""

# What some reader of such files takes for something else.
HARD = st.text(st.sampled_from("\"'\\$`%#;=!*~ \t\r\n\x01\x1b\x7f\x85\u2028\ufeffn\u00e9\U0001f600"))
NONCHARACTERS = [chr(0xFDD0 + n) for n in range(32)] + [
    chr(plane + n) for plane in range(0, 0x110000, 0x10000) for n in (0xFFFE, 0xFFFF)
]
UNHOLDABLE = ["\0", *NONCHARACTERS]
VALUES = st.one_of(HARD, st.text(st.characters(exclude_categories=["Cs"], exclude_characters=UNHOLDABLE)))
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)


class Environment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        argv = ["docker", "exec", "--interactive", CONTAINER, "python3", "-c", SERVER, FOLDER, json.dumps(PROPERTIES)]
        cls.server = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.server.communicate)
        cls.without = cls.environments({})

    @classmethod
    def environments(cls, variables):
        """Return what the processes of the service and of a command got."""
        print(json.dumps(env_file.render(variables)), file=cls.server.stdin, flush=True)
        return json.loads(cls.server.stdout.readline())

    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=8))
    @example({"A": "two\nlines\n", "B": " ends ", "C": "\\", "D": 'end"\nE="1', "F": "", "_": "$A ${A} $(id) `id` %n"})
    @example({"A": "é" * 30_000, "B": "\\\n" * 30_000, "PATH": "/opt/bin", "HOME": "/opt", "PYTHONPATH": "lib"})
    @example({"A": "x" * (env_file.LONGEST - len("A="))})
    @example({f"A{number:02}": "x" * 99_987 for number in range(20)})
    def test_what_can_be_held_arrives_unchanged_and_alone(self, variables):
        self.assertFalse(any(env_file.faults(variables)))
        for got, without in zip(self.environments(variables), self.without, strict=True):
            self.assertEqual({name: got.get(name) for name in variables}, variables)
            self.assertEqual(got.keys() - variables.keys(), without.keys() - variables.keys())

    @settings(max_examples=20, deadline=None, database=None, derandomize=True)
    @given(st.sampled_from(UNHOLDABLE) | st.characters(categories=["Cs"]))
    def test_what_is_refused_can_not_be_held(self, character):
        self.assertIn("can't hold", env_file.fault("A", character))
        for got in self.environments({"A": character}):
            self.assertNotEqual((got or {}).get("A"), character)


if __name__ == "__main__":
    unittest.main(verbosity=2)
