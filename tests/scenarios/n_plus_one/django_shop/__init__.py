"""A small Django application; nothing is set up or imported before :func:`shop` opens it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from tests.scenarios.n_plus_one.case import Services

N = 15
TEMPLATES = Path(__file__).parent / "templates"
MODELS = Path(__file__).parent / "models.py"


@contextmanager
def shop(_: Services) -> Iterator[ModuleType]:
    """The models, over a database that is as seeded before every case."""
    _set_up()
    from django.db import transaction

    from tests.scenarios.n_plus_one.django_shop import models

    with transaction.atomic():
        yield models
        transaction.set_rollback(True)


def _set_up() -> None:
    import django
    from django.conf import settings

    if settings.configured:
        return
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[__name__],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [TEMPLATES]},
            {"BACKEND": "django.template.backends.jinja2.Jinja2", "DIRS": [TEMPLATES]},
        ],
        USE_TZ=True,
    )
    django.setup()
    from django.apps import apps
    from django.db import connection

    with connection.schema_editor() as editor:
        for model in apps.get_models():
            editor.create_model(model)
    _seed()


def _seed() -> None:
    from tests.scenarios.n_plus_one.django_shop import models

    several = range(1, N + 1)
    models.Publisher.objects.bulk_create(models.Publisher(id=i, name=f"p{i}") for i in several)
    models.Author.objects.bulk_create(models.Author(id=i, name=f"a{i}", publisher_id=i) for i in several)
    models.Profile.objects.bulk_create(models.Profile(id=i, author_id=i, motto="m") for i in several)
    models.Book.objects.bulk_create(
        models.Book(id=i, title=f"b{i}", author_id=1 + i % N, isbn=f"i{i}", notes="n") for i in range(1, 31)
    )
    models.Tag.objects.bulk_create(models.Tag(id=i, name=f"t{i}") for i in several)
    through = models.Book.tags.through
    through.objects.bulk_create(through(book_id=i, tag_id=1 + i % N) for i in range(1, 31))
    models.Setting.objects.bulk_create(models.Setting(key=key, value="on") for key in ("tax", "theme", "locale"))
    models.Category.objects.bulk_create(models.Category(id=i, name="c", parent_id=i - 1 or None) for i in several)
