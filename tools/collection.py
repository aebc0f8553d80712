"""The check that the collection installs, from a tarball and from a checkout, and works from there."""

import pathlib
import tempfile

from tools.checks import logged
from tools.shell import ROOT, Failure

# All that a user gets; more is a developer's, to be listed in galaxy.yml's build_ignore.
CONTENT = {
    *("CHANGELOG.rst", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "SECURITY.md", "changelogs", "site.yml"),
    *("docs", "examples", "meta", "playbooks", "plugins", "roles"),
}
PLAYBOOK = """---
- hosts: all
  roles:
    - {role: pyweb.stack.gunicorn, gunicorn_name: shop, gunicorn_wsgi_app: "shop:app"}
    - {role: pyweb.stack.django, gunicorn_name: shop}
    - {role: pyweb.stack.nginx_site, nginx_site_app: shop}
"""


def collection():
    """Build, install offline in both ways, compare, and let a playbook elsewhere find the roles and playbooks."""
    with tempfile.TemporaryDirectory() as folder:
        elsewhere = pathlib.Path(folder)
        galaxy("build", ROOT, "--output-path", elsewhere)
        sources = {"tarball": next(elsewhere.glob("*.tar.gz")), "checkout": ROOT}
        compare(*(install(source, elsewhere / name) for name, source in sources.items()))
        imported = [
            f"- import_playbook: pyweb.stack.{path.stem}\n" for path in sorted((ROOT / "playbooks").glob("*.yml"))
        ]
        (elsewhere / "site.yml").write_text(PLAYBOOK + "".join(imported), encoding="utf-8")
        for name in sources:
            env = {"ANSIBLE_COLLECTIONS_PATH": str(elsewhere / name)}
            check = ("ansible-playbook", "--inventory=localhost,", "--syntax-check", "site.yml")
            logged("collection", *check, cwd=elsewhere, env=env)


def galaxy(*argv):
    """Run ansible-galaxy collection."""
    logged("collection", "ansible-galaxy", "collection", *argv)


def install(source, folder):
    """Install the collection into a folder; return its files' contents by name."""
    galaxy("install", source, "--collections-path", folder, "--offline", "--force")
    root = folder / "ansible_collections" / "pyweb" / "stack"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def compare(tarball, checkout):
    """Fail if the two ways give different files, or files that are none of the user's business."""
    different = sorted(name for name in tarball.keys() | checkout.keys() if tarball.get(name) != checkout.get(name))
    if different:
        raise Failure(f"the tarball and the checkout install different files: {', '.join(different)}")
    strangers = sorted({name.split("/")[0] for name in tarball} - CONTENT)
    if strangers:
        raise Failure(f"not for users, so list them in build_ignore of galaxy.yml: {', '.join(strangers)}")
