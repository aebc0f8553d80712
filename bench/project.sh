# Makes a repository of the example project, with two versions: project.sh PROJECT REPOSITORY
set -eu
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
export GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$1/." "$work"
cd "$work"
# Every guide has it in the settings; this collection needs none.
echo 'STATIC_ROOT = os.environ.get("STATIC_ROOT")' >> shop/settings.py
git init --quiet --initial-branch=main
for version in v1 v2; do
    sed -i "s/<h1>Guest book.*</<h1>Guest book $version</" guestbook/templates/guestbook/book.html
    git add .
    git commit --quiet --message=$version
    git tag $version
done
git clone --quiet --bare "$work" "$2"
