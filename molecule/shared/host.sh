# Prints all of a server that a run in check mode must leave as it is: files, accounts, units, what runs.
set -eu
find /etc /home /opt /srv /usr/local /var/cache /var/lib \( -path /var/cache/apt -o -path /var/lib/systemd \) -prune \
    -o -printf '%p %M %u %g %l %s %T@\n' | sort
dpkg-query --show
cat /etc/passwd /etc/group
systemctl list-units --all --plain --no-legend 'gunicorn-*' 'nginx*' | sort
for unit in $(systemctl list-units --plain --no-legend 'gunicorn-*' 'nginx*' | cut -d ' ' -f 1); do
    systemctl show --property=Id,MainPID "$unit"
done
find /run/pyweb-stack-check -type f 2>/dev/null || true
