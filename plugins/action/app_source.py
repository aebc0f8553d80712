# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of app_source: what lies here, sent only where the target lacks it, and no secret shown."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.pyweb.stack.plugins.module_utils._source import archive, folder, git
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests, urls


class ActionModule(ActionBase):
    """Name here what lies here, ask the target for it, and send it where the answer is no."""

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        """Run the module, a second time with what it needs from here."""
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        send = self._prepare(arguments)
        answer = self._ask(arguments, task_vars)
        if send and answer.get("waits"):
            send()
            # What was active when this began, before anything was sent.
            answer = {**self._ask(arguments, task_vars), "serving": answer["serving"]}
        return {**result, **answer}

    def _ask(self, arguments: dict, task_vars: dict | None) -> dict:
        answer = self._execute_module("pyweb.stack.app_source", module_args=arguments, task_vars=task_vars)
        self._hide(answer.get("invocation", {}).get("module_args", {}))
        return answer

    def _hide(self, given: dict) -> None:
        """Take the secrets out of options: the module may have ended before it could do this itself."""
        given.update({name: urls.shown(given[name]) for name in ("git", "archive") if given.get(name)})
        if given.get("key"):
            given["key"] = "(hidden)"
        if isinstance(given.get("source_files"), dict):
            given["source_files"] = dict.fromkeys(given["source_files"], "(hidden)")

    def _prepare(self, arguments: dict) -> Callable[[], None] | None:
        """Say in the options what the source is; return what sends it, none where nothing can have to be sent."""
        if arguments.get("directory"):
            return self._folder(arguments)
        if arguments.get("archive"):
            return self._archive(arguments)
        if arguments.get("git") and arguments.get("ssh_key"):
            return self._key(arguments)
        return None

    def _folder(self, arguments: dict) -> Callable[[], None]:
        try:
            tree = folder.Tree(self._local(arguments["directory"]), "the controller", arguments.get("include") or [])
        except folder.TreeError as error:
            raise AnsibleActionFail(f"gunicorn_source.directory: {error}") from error
        arguments["digest"] = tree.digest()

        def send() -> None:
            with tempfile.NamedTemporaryFile(suffix=".tar.gz") as packed:
                tree.pack(packed)
                arguments["sent"] = self._send(packed.name)

        return send

    def _archive(self, arguments: dict) -> Callable[[], None] | None:
        if urls.is_http(arguments["archive"]):
            return None
        path = self._file(arguments, "archive")
        found = digests.of_file(path)
        try:
            archive.verify(path, path, arguments.get("sha256") or found)
        except archive.ArchiveError as error:
            raise AnsibleActionFail(str(error)) from error
        arguments["sha256"] = found
        return lambda: arguments.update(sent=self._send(path))

    def _key(self, arguments: dict) -> Callable[[], None] | None:
        key = self._text_of_key(self._file(arguments, "ssh_key"))
        if not git.COMMIT.fullmatch(str(arguments.get("version"))):
            # The repository is to be asked, in check mode, too.
            arguments["key"] = key
            return None
        return lambda: arguments.update(key=key)

    def _text_of_key(self, path: str) -> str:
        try:
            decrypted = self._loader.get_real_file(path)
            try:
                with open(decrypted, encoding="utf-8") as file:
                    text = file.read()
            finally:
                self._loader.cleanup_tmp_file(decrypted)
        except (AnsibleError, OSError, UnicodeError) as error:
            raise AnsibleActionFail(f"gunicorn_source.ssh_key: {error}") from error
        if "PRIVATE KEY-----" not in text:
            raise AnsibleActionFail(f"gunicorn_source.ssh_key: {path} holds no private key that ssh could use")
        return text

    def _file(self, arguments: dict, name: str) -> str:
        path = self._local(arguments[name])
        if not os.path.isfile(path):
            raise AnsibleActionFail(f"gunicorn_source.{name}: there is no file {path} on the controller")
        return path

    def _local(self, path: str) -> str:
        return self._loader.path_dwim(os.path.expanduser(path))

    def _send(self, path: str) -> str:
        shell = self._connection._shell
        # Made when there is something to send, since that is a call of its own; Ansible removes it.
        if not shell.tmpdir:
            self._make_tmp_path()
        return self._transfer_file(path, shell.join_path(shell.tmpdir, "source"))
