"""What somebody does to an app by hand: the same deploy again puts it right, or refuses and says what to do."""

from deploys import check

# By what it is: what is done on the server, and of a deploy that refuses what it says and what has to be done then.
HANDS = {
    "the link to the active release is gone": ("rm /srv/shop/current", "", ""),
    "the folder of the active release is gone": ('rm -r "$(realpath /srv/shop/current)"', "", ""),
    "its source and its environment are gone": ("cd /srv/shop/current && rm -r $(realpath src venv)", "", ""),
    "its units are gone": ("rm /etc/systemd/system/gunicorn-shop*; systemctl daemon-reload", "", ""),
    "its account is gone": ("userdel --force shop", "", ""),
    "its account has another number": (
        "systemctl stop 'gunicorn-shop@*' && usermod --uid 4321 shop && chown --recursive shop: /var/lib/gunicorn-shop",
        "",
        "",
    ),
    "nginx is gone": ("apt-get purge --yes 'nginx*' && rm --recursive --force /etc/nginx", "", ""),
    "a copy took the place of the link": (
        "cd /srv/shop && cp --recursive --dereference --no-target-directory current copy; rm current && mv copy current",
        "/srv/shop/current is no link to a release: remove it",
        "rm --recursive /srv/shop/current",
    ),
}
SHELL = "import subprocess, sys; subprocess.run(['sh', '-c', sys.argv[1]], stdout=sys.stderr, check=True)"


def hands(server):
    """Do each of these things, and deploy again."""
    for what, (done, says, undone) in HANDS.items():
        server.run(SHELL, done)
        if says:
            code, said = server.play(turn=server.turn).end()
            check(f"when {what}, a deploy says {says!r}, but said:\n{said}", code and says in said)
            server.run(SHELL, undone)
        server.served(server.play(turn=server.turn))
        print(f"{what}: {'refused, then ' if says else ''}put right")
