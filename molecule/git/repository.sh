# The example project as a team would keep it: in a subfolder, with a lock that has hashes, and two versions.
set -eu
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
git init --quiet --initial-branch=main /opt/work
cd /opt/work
cp -r /opt/django backend
rm backend/requirements.txt
mkdir requirements
cat > requirements/base.txt <<'LOCK'
asgiref==3.13.0 --hash=sha256:f9596a2434512686473d50f96ff6207fbba49ae1a785dfac614df4aeb085674d
sqlparse==0.6.1 --hash=sha256:3be5a72d04c873d690d7c6dedd33d6fae2ef82759881ceec02fc2efd0cba564f
LOCK
cat > requirements/production.txt <<'LOCK'
-r base.txt
django==5.2.19 --hash=sha256:5965d974a5218a2b68a11dd1276434707f23886525c23f0598eccedaf4f4ca00
LOCK
git add .
git commit --quiet --message=first
git tag --annotate --message=first v1
sed -i 's/<h1>Guest book/<h1>Guest book, second edition/' backend/guestbook/templates/guestbook/book.html
cat > backend/guestbook/migrations/0002_mood.py <<'MIGRATION'
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("guestbook", "0001_initial")]
    operations = [migrations.AddField("entry", "mood", models.CharField(max_length=20, null=True))]
MIGRATION
sed -i '/written = /a\    mood = models.CharField(max_length=20, null=True)' backend/guestbook/models.py
git add .
git commit --quiet --message=second
git clone --quiet --bare /opt/work /opt/guestbook.git.new
mv /opt/guestbook.git.new /opt/guestbook.git
