#!/bin/sh
# A plain Debian server: it has booted, it has none of what the roles install, and it can install that.
set -eu
fail() { echo "$1" >&2; exit 1; }

[ "$(systemctl is-system-running)" = running ] || fail "not all units run: $(systemctl --failed --plain --no-legend)"
for tool in git gunicorn nginx pip3 uv; do
    if command -v "$tool"; then fail "a bare server would not have $tool"; fi
done
if python3 -c 'import ensurepip' 2>/dev/null; then fail "a bare server would not have python3-venv"; fi
case "$(findmnt --noheadings --output=PROPAGATION /)" in
    *shared*) ;;
    *) fail "/ is not a shared mount, so units can't read credentials" ;;
esac
apt-get --quiet update
for pocket in "$1" "$1-updates" "$1-security"; do
    apt-cache policy | grep --quiet "n=$pocket," || fail "apt knows no $pocket"
done
