"""The same small library in three ORMs, each on SQLite in memory and with a hook below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

AUTHORS, BOOKS_EACH = 6, 3

Hook = Callable[[], None]


class DjangoShop:
    """Django's models; there is one registry in a process, so they are made once. They are poets and their poems."""

    _models: SimpleNamespace | None = None

    def __init__(self, models: SimpleNamespace, connection: Any) -> None:
        self.Poet, self.Poem, self.Label, self.Portrait = models.Poet, models.Poem, models.Label, models.Portrait
        self.connection = connection
        self.cursor = connection.cursor

    @classmethod
    @contextmanager
    def opened(cls, hook: Hook) -> Iterator[DjangoShop]:
        """The models with rows, on a connection of their own; *hook* runs before each query."""
        if cls._models is None:
            cls._models = _django_models()
        from django.db import connection, transaction

        def hooked(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
            hook()
            return execute(sql, params, many, context)

        with transaction.atomic(), connection.execute_wrapper(hooked):
            yield cls(cls._models, connection)
            transaction.set_rollback(True)

    def poet(self) -> Any:
        """A poet as the application would have one, who knows nothing of relations yet."""
        return self.Poet.objects.order_by("pk").first()

    def bare(self) -> Any:
        """A poet without a name."""
        return self.Poet.objects.only("pk").order_by("pk").first()

    def poem(self) -> Any:
        """A poem."""
        return self.Poem.objects.order_by("pk").first()

    def label(self) -> Any:
        """A label."""
        return self.Label.objects.order_by("pk").first()


def _django_models() -> SimpleNamespace:
    from django.db import connection, models

    from tests.integration import django_project  # settings exist once in a process: those are for all tests

    assert django_project.Author

    class Meta:
        app_label = "integration"  # an application that is installed, or relations backwards are not found

    meta = {"__module__": __name__, "Meta": Meta}
    poet = type("Poet", (models.Model,), {**meta, "name": models.TextField(), "seen": models.IntegerField(default=0)})
    label = type("Label", (models.Model,), {**meta, "name": models.TextField()})
    poem = type(
        "Poem",
        (models.Model,),
        {
            **meta,
            "poet": models.ForeignKey(poet, models.CASCADE, related_name="poems"),
            "labels": models.ManyToManyField(label, related_name="poems"),
        },
    )
    portrait = type(
        "Portrait",
        (models.Model,),
        {**meta, "poet": models.OneToOneField(poet, models.CASCADE, related_name="portrait")},
    )
    models_of = SimpleNamespace(Poet=poet, Label=label, Poem=poem, Portrait=portrait)
    with connection.schema_editor() as editor:
        for model in vars(models_of).values():
            editor.create_model(model)
    _fill_django(models_of)
    return models_of


def _fill_django(models: SimpleNamespace) -> None:
    label = models.Label.objects.create(name="new")
    for number in range(AUTHORS):
        poet = models.Poet.objects.create(name=f"poet {number}")
        models.Portrait.objects.create(poet=poet)
        for _ in range(BOOKS_EACH):
            models.Poem.objects.create(poet=poet).labels.add(label)


class SqlAlchemyShop:
    """SQLAlchemy's models with rows and a new session; *hook* runs before each query."""

    def __init__(self, hook: Hook) -> None:
        import sqlalchemy as sa
        from sqlalchemy import orm

        base: Any = orm.declarative_base()

        class Author(base):
            __tablename__ = "author"
            id = sa.Column(sa.Integer, primary_key=True)
            name = sa.Column(sa.Text)
            bio = orm.deferred(sa.Column(sa.Text))
            books = orm.relationship("Book", back_populates="author")
            shelf = orm.relationship("Book", lazy="dynamic", viewonly=True)

        class Book(base):
            __tablename__ = "book"
            id = sa.Column(sa.Integer, primary_key=True)
            author_id = sa.Column(sa.ForeignKey("author.id"))
            author = orm.relationship("Author", back_populates="books")

        self.Author, self.Book = Author, Book
        self.engine = sa.create_engine("sqlite://")
        base.metadata.create_all(self.engine)
        with orm.Session(self.engine) as session:
            session.add_all(
                Author(name=f"author {n}", bio="", books=[Book() for _ in range(3)]) for n in range(AUTHORS)
            )
            session.commit()
        self.session = orm.Session(self.engine)
        sa.event.listen(self.engine, "before_cursor_execute", lambda *_: hook())

    def author(self) -> Any:
        """An author without books yet."""
        return self.session.query(self.Author).order_by(self.Author.id).first()

    def expired(self) -> Any:
        """An author who has to be read again."""
        author = self.author()
        self.session.expire(author)
        return author

    def book(self) -> Any:
        """A book without its author yet."""
        return self.session.query(self.Book).order_by(self.Book.id).first()

    def add_and_ask(self) -> None:
        """A query before which the session flushes."""
        self.session.add(self.Author(name="new"))
        self.session.query(self.Author).first()


class PeeweeShop:
    """Peewee's models with rows; *hook* runs before each query."""

    def __init__(self, hook: Hook) -> None:
        import peewee

        class Database(peewee.SqliteDatabase):
            hooked: Hook | None = None

            def execute_sql(self, *args: Any, **options: Any) -> Any:
                if self.hooked is not None:
                    self.hooked()
                return super().execute_sql(*args, **options)

        database = Database(":memory:")

        class Author(peewee.Model):
            name = peewee.TextField()

            class Meta:
                pass

        class Book(peewee.Model):
            author = peewee.ForeignKeyField(Author, backref="books")

        self.Author, self.Book = Author, Book
        database.bind([Author, Book])
        database.create_tables([Author, Book])
        for number in range(AUTHORS):
            author = Author.create(name=f"author {number}")
            for _ in range(BOOKS_EACH):
                Book.create(author=author)
        database.hooked = hook

    def author(self) -> Any:
        """An author."""
        return self.Author.select().first()

    def book(self) -> Any:
        """A book."""
        return self.Book.select().first()
