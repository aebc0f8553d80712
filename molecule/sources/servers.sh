# What an app can come from: a repository that only ssh with a key or http with a password gives out, a folder, an archive,
# an index with a password, a folder of wheels, an interpreter of its own, a mirror of interpreters. Runs on the test server, once.
set -eu
[ ! -e /opt/ready ] || exit 0
# The installer is to come out of the wheels.
rm -r /usr/local/lib/pyweb-stack
export DEBIAN_FRONTEND=noninteractive
apt-get --quiet=2 update
apt-get --quiet=2 install --yes --no-install-recommends ca-certificates git openssh-server python3-pip-whl >/dev/null

# A repository with a submodule, for the account git, which has a key of its own.
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
useradd --create-home --shell /usr/bin/git-shell git
mkdir -p /home/git/.ssh /opt/work/parts /opt/private
ssh-keygen -q -t ed25519 -N '' -f /opt/key
cp /opt/key.pub /home/git/.ssh/authorized_keys
systemctl start ssh
ssh-keyscan -t ed25519 127.0.0.1 >/opt/known_hosts 2>/dev/null
echo 'WORD = "from the submodule"' >/opt/work/parts/word.py
for name in parts hello; do
    case $name in hello) from=/opt/app ;; parts) from=/opt/work/parts ;; esac
    git -C "$from" init --quiet --initial-branch=main
    git -C "$from" add .
    [ $name = parts ] || git -C "$from" -c protocol.file.allow=always submodule --quiet add /home/git/parts.git parts
    [ $name = parts ] || git -C "$from" config --file .gitmodules submodule.parts.url ../parts.git
    git -C "$from" add .
    git -C "$from" commit --quiet --message=first
    git clone --quiet --bare --no-local "$from" "/home/git/$name.git"
    git -C "/home/git/$name.git" update-server-info
    ln -s "/home/git/$name.git" /opt/private/
done
# A package that an app requires from its own repository.
git -C /opt/helper init --quiet --initial-branch=main
git -C /opt/helper add .
git -C /opt/helper commit --quiet --message=first
git -C /opt/helper tag v1
git clone --quiet --bare --no-local /opt/helper /home/git/helper.git
chown -R git: /home/git

# The app as a folder and as an archive, by http.
cp -r /opt/app /opt/folder
rm -rf /opt/folder/.git* /opt/folder/parts /opt/folder/uv.lock
mkdir /opt/www
tar --create --gzip --sort=name --mtime=@0 --owner=0 --group=0 --file=/opt/www/hello-1.0.tar.gz --directory=/opt folder
systemd-run --quiet --unit=archives python3 -m http.server --bind 127.0.0.1 --directory /opt/www 8001

# A folder of wheels, which an index gives out to who knows the password.
pip="python3 $(echo /usr/share/python-wheels/pip-*.whl)/pip"
ln -s /opt/wheels /opt/private/
$pip download --quiet --no-deps --only-binary=:all: --dest=/opt/wheels gunicorn==27.0.1 itsdangerous==2.2.0 uv==0.13.9
systemd-run --quiet --unit=index python3 /opt/index.py

# A whole Python of its own.
version=$(python3 -c 'import sys; print(f"python{sys.version_info.major}.{sys.version_info.minor}")')
mkdir -p /opt/python/bin /opt/python/lib
cp "/usr/bin/$version" /opt/python/bin/python3
cp -r "/usr/lib/$version" /opt/python/lib/

# A mirror of interpreters, and a Python for which it is two hours later, when none of them may be that of a run any more.
python3 /opt/mirror.py
mkdir /opt/later
printf 'import time\n\nnow = time.time\ntime.time = lambda: now() + 7200\n' >/opt/later/sitecustomize.py
printf '#!/bin/sh\nPYTHONPATH=/opt/later exec /usr/bin/python3 "$@"\n' >/opt/later/python3
chmod +x /opt/later/python3
touch /opt/ready
