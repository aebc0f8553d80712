from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import migrations


def add(apps, schema_editor):
    apps.get_model("auth", "User").objects.create(username="editor", password=make_password("of-the-album"))


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [migrations.RunPython(add)]
