# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a real Django project before the switch, on real databases."""

from __future__ import annotations

import shutil

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._django.commands import Commands
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store

TWO = """
DATABASES["far"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(BASE_DIR, "far.sqlite3")}
DATABASES["copy"] = {**DATABASES["default"], "TEST": {"MIRROR": "default"}}
"""
# As drf-spectacular's, which makes a whole schema in a check for deployment.
DEPLOYED = """
    from django.apps import AppConfig
    from django.core import checks
    class Shop(AppConfig):
        name = "shop"
        def ready(self):
            @checks.register(deploy=True)
            def ask(app_configs, **_more):
                from shop.models import Book
                try:
                    Book.objects.count()
                except Exception as error:
                    return [checks.Error("it threw %s" % error, id="shop.E001"), checks.Warning("and", id="shop.W001")]
                return []
"""
ASKS = "from shop.models import Book\nurlpatterns = [b for b in Book.objects.all()]\n"
TITLE = """
    from django.db import migrations, models
    class Migration(migrations.Migration):
        dependencies = [("shop", "0001_initial")]
        operations = [{}]
"""


@pytest.fixture
def commands(tmp_path, release, run, monkeypatch, write):
    """Return the commands of the release, with these databases named."""
    store = Store(str(tmp_path), "shop")
    monkeypatch.setattr(store, "item", lambda _kind, _name: str(release))
    monkeypatch.setattr(command_line.Release, "record", lambda _release: {"in_force": {"pythonpath": run.pythonpath}})
    write(tmp_path / "units", {"gunicorn-shop@0123456789ab.service": "[Service]\nOf=%i\n"})
    monkeypatch.setattr(command_line, "UNITS", str(tmp_path / "units"))
    monkeypatch.setattr(systemd, "run", lambda _app, properties, argv, *_more, **_how: run(argv, properties))
    run.pythonpath = []
    return lambda *named: Commands(store, "0123456789ab", named or ("default",))


def _migrate(commands, *named, unchecked=False):
    for alias in named or ("default",):
        commands(*named).migrate(alias, unchecked)


def test_commands_run_as_the_service_does(project, commands, run):
    project()
    run.pythonpath = ["/a", "/b"]
    commands().databases()
    assert run.also == [
        ("Of", "0123456789ab"),
        ("Environment", '"PYTHONPATH=/a:/b"'),
    ]


def test_the_check_for_deployment_warns(project, commands):
    project()
    checked = commands().check()
    assert (checked.later, checked.none_before) == (False, False)
    assert "security.W001: You do not have 'django.middleware.security.SecurityMiddleware'" in checked.messages[0]


@pytest.mark.alike
@pytest.mark.parametrize(
    ("files", "settings", "said"),
    [
        pytest.param({"mysite/urls.py": "import nowhere"}, "", "No module named 'nowhere'", id="a traceback"),
        pytest.param({}, "STATICFILES_DIRS = 'assets'", "staticfiles.E001", id="an error, not the warnings below it"),
        pytest.param({"shop/__init__.py": "raise OSError('here')"}, "", "OSError: here", id="not to be loaded"),
    ],
)
def test_the_check_refuses(project, commands, files, settings, said):
    project(files, settings)
    with pytest.raises(DjangoError, match=r"^Django's system check refuses the release:") as caught:
        commands().check()
    assert said in str(caught.value)
    assert "WARNINGS" not in str(caught.value)


@pytest.mark.alike
@pytest.mark.parametrize(
    ("files", "none_before"),
    [
        pytest.param({"shop/apps.py": DEPLOYED}, False, id="a check for deployment"),
        pytest.param({"mysite/urls.py": ASKS}, True, id="urls.py"),
    ],
)
def test_a_check_that_asks_for_tables_comes_after_their_migrations(project, commands, files, none_before):
    project(files)
    checked = commands().check()
    assert (checked.later, checked.none_before) == (True, none_before)
    _migrate(commands, unchecked=none_before)
    assert commands().check().later is False


@pytest.mark.slow
def test_a_check_that_asks_for_what_no_migration_makes_is_an_error(project, commands):
    project({"shop/apps.py": DEPLOYED.replace("Book.objects.count()", "Book.objects.raw('SELECT x FROM y')[0]")})
    _migrate(commands)
    with pytest.raises(DjangoError, match=r"shop\.E001"):
        commands().check()


@pytest.mark.slow
def test_a_check_that_asks_for_a_new_column_comes_after_its_migration(project, commands):
    project()
    _migrate(commands)
    add = TITLE.format('migrations.AddField("Book", "year", models.IntegerField(default=1))')
    models = "from django.db import models\nclass Book(models.Model):\n    year = models.IntegerField(default=1)\n"
    deployed = DEPLOYED.replace("count()", "values_list('year').first()")
    project({"shop/migrations/0002_year.py": add, "shop/models.py": models, "shop/apps.py": deployed})
    assert commands().check().later is True


def test_models_that_no_migration_makes_as_they_are_are_named(project, commands):
    project()
    assert commands().check().unmade == []
    models = "from django.db import models\nclass Book(models.Model):\n    year = models.IntegerField(default=1)\n"
    project({"shop/models.py": models})
    said = "The models of shop have what no migration makes: run `manage.py makemigrations shop`, and commit what it writes"
    assert commands().check().unmade[0].startswith(said)
    renamed = models.replace("year = models.IntegerField(default=1)", "title = models.CharField('T', max_length=50)")
    project({"shop/models.py": renamed})
    assert commands().check().unmade == []
    project({"till/__init__.py": "", "till/models.py": models}, "INSTALLED_APPS += ['till']")
    assert commands().check().unmade[0].startswith("There are models but no migrations in till, so nothing makes")
    project({}, "INSTALLED_APPS += ['till']\nMIGRATION_MODULES = {'till': None}")
    assert commands().check().unmade == []


@pytest.mark.slow
def test_users_without_a_migration_are_refused_before_those_of_others_are_applied(project, commands):
    models = "from django.contrib.auth.models import AbstractUser\nclass User(AbstractUser):\n    pass\n"
    apps = "INSTALLED_APPS += ['django.contrib.auth', 'django.contrib.contenttypes', 'people']\nAUTH_USER_MODEL = 'people.User'"
    project({"people/__init__.py": "", "people/models.py": models}, apps)
    with pytest.raises(
        DjangoError, match=r"AUTH_USER_MODEL is of the app people, .*: run `manage.py makemigrations people`"
    ):
        commands().check()
    # Where all are applied, its table was made in another way.
    _migrate(commands)
    assert commands().check().unmade[0].startswith("There are models but no migrations in people")


def test_models_of_packages_and_those_that_others_manage_are_not(project, commands, venv):
    (packages,) = venv.glob("lib/python3*/site-packages")
    unmanaged = "from django.db import models\nclass Old(models.Model):\n    class Meta:\n        managed = False\n"
    project({"old/__init__.py": "", "old/models.py": unmanaged}, "INSTALLED_APPS += ['old', 'others']")
    others = packages / "others"
    others.mkdir()
    (others / "models.py").write_text(
        "from django.db import models\nclass Their(models.Model):\n    pass\n", encoding="utf-8"
    )
    try:
        assert commands().check().unmade == []
    finally:
        shutil.rmtree(others)


def test_what_the_database_lacks(project, commands):
    project()
    assert commands().databases().unapplied() == {"default": ["shop.0001_initial"]}
    _migrate(commands)
    assert commands().databases().unapplied() == {"default": []}


@pytest.mark.slow
def test_other_databases_are_migrated_where_they_are_named(project, commands):
    project(settings=TWO)
    found = commands().databases()
    assert found.unapplied() == {"default": ["shop.0001_initial"]}
    assert found.warnings() == [
        "the database far lacks 1 migrations, and is not migrated, since django_databases doesn't name it"
    ]
    assert commands("default", "far").databases().unapplied() == {
        "default": ["shop.0001_initial"],
        "far": ["shop.0001_initial"],
    }
    _migrate(commands, "default", "far")
    assert commands("default", "far").databases().unapplied() == {"default": [], "far": []}
    assert commands().databases().warnings() == []


def test_a_database_that_the_routers_keep_free_lacks_nothing(project, commands):
    router = "class Router:\n    def allow_migrate(self, db, app_label, **hints):\n        return db == 'default'\n"
    project({"mysite/routers.py": router}, f"{TWO}\nDATABASE_ROUTERS = ['mysite.routers.Router']")
    assert commands().databases().warnings() == []


@pytest.mark.slow
def test_a_database_that_can_not_be_asked(project, commands):
    project(settings=f"{TWO}\nDATABASES['far']['NAME'] = '/nowhere/far.sqlite3'")
    assert commands().databases().warnings() == [
        "the database far can't be asked for its migrations: OperationalError: unable to open database file "
        "(/nowhere/far.sqlite3)"
    ]
    # Of the others the check can be made.
    assert commands().check().later is False
    with pytest.raises(
        DjangoError, match=r"can't be asked for its migrations \(far\): OperationalError: unable to open"
    ):
        commands("far").databases().unapplied()


def test_a_database_that_there_is_not(project, commands):
    project(settings=TWO)
    with pytest.raises(
        DjangoError, match="django_databases has 'fra', but the settings have the databases default, far"
    ):
        commands("default", "fra").databases()


def test_a_project_without_a_database(project, commands):
    project(settings="DATABASES = {}")
    assert commands().databases().unapplied() is None
    assert commands().check().later is False


def test_a_migration_that_fails(project, commands):
    project({"shop/migrations/0002_bad.py": TITLE.format('migrations.RunSQL("SELECT * FROM nowhere")')})
    with pytest.raises(DjangoError, match="a migration of the database default failed:") as caught:
        _migrate(commands)
    assert "OperationalError: no such table: nowhere\n" in str(caught.value)


@pytest.mark.slow
def test_migrations_that_the_code_no_longer_has(project, commands):
    source = project({"shop/migrations/0002_more.py": TITLE.format("")}, TWO)
    _migrate(commands, "default", "far")
    (source / "shop/migrations/0002_more.py").unlink()
    assert commands().databases().unknown() == ["shop.0002_more", "shop.0002_more (far)"]
