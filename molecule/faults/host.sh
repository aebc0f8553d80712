# Prints what must not change: "serving" is what visitors get and nothing half-built, "all" is every file of ours.
set -eu
readlink /srv/shop/current
curl --silent --max-time 20 http://127.0.0.1/ | grep '<h1>'
systemctl list-units --plain --no-legend 'gunicorn-*' | sort
sha256sum /etc/nginx/sites-enabled/*
find /srv /usr/local/lib/pyweb-stack -name '.stage-*' -o -name .current
if [ "$1" = all ]; then
    sha256sum /etc/passwd /etc/group
    find /srv /etc/systemd/system /etc/nginx /var/lib/gunicorn-shop /run/gunicorn-shop -printf '%p %M %u %g %l %s %T@\n' | sort
fi
