"""Django on each of its databases: one logical query counts once, as the database's own witness says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import absent
from tests.integration.harness import Watched

try:
    import django
    from django.db import IntegrityError, OperationalError, ProgrammingError, transaction
    from django.db.models import Count

    from tests.integration import django_project
    from tests.integration.django_project import Author, Book, Project
except ImportError as missing:  # pragma: no cover - only where it is not installed
    absent(f"Django cannot be imported: {missing}")

databases = pytest.mark.parametrize(
    "project",
    [
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.service),
        pytest.param("postgres with a pool", marks=pytest.mark.service),
        pytest.param("mariadb", marks=pytest.mark.service),
    ],
    indirect=True,
)


@pytest.fixture
def project(request: pytest.FixtureRequest, watched: Watched) -> Iterator[Project]:
    """The project on the database that the test is parametrised with, while the drivers are hooked."""
    server = request.param.split()[0]
    if "pool" in request.param and django.VERSION < (5, 1):
        pytest.skip("Django has pools from 5.1 on")
    if server == "sqlite":
        made = Project("sqlite", django_project.sqlite(), None)
    elif server == "postgres":
        running = request.getfixturevalue("postgres")
        pool = {"pool": {"min_size": 1, "max_size": 2}} if "pool" in request.param else {}
        made = Project("postgres", django_project.postgres(running, **pool), running.statements)
    else:
        running = request.getfixturevalue("mariadb")
        made = Project("mariadb", django_project.mariadb(running), running.statements)
    yield made
    made.close()


def loop(project: Project) -> None:
    """A query for each author, by relation and by ``get``."""
    for author in Author.objects.using(project.alias).all():
        assert 2 == len(author.books.all())
        Author.objects.using(project.alias).get(pk=author.pk)


def eager(project: Project) -> None:
    """Relations by join and by a second query, an aggregate, an iterator over chunks."""
    assert list(Book.objects.using(project.alias).select_related("author"))
    assert list(Author.objects.using(project.alias).prefetch_related("books"))
    assert list(Author.objects.using(project.alias).annotate(n=Count("books")))
    assert list(Author.objects.using(project.alias).iterator(chunk_size=2))


def writing(project: Project) -> None:
    """Objects made one by one and in bulk, changed and deleted, within nested transactions."""
    with transaction.atomic(using=project.alias):
        author = Author.objects.using(project.alias).create(name=9)
        with transaction.atomic(using=project.alias):
            Book.objects.using(project.alias).bulk_create([Book(author=author) for _ in range(30)])
        Author.objects.using(project.alias).filter(pk=author.pk).update(name=10)
        author.delete()


def by_hand(project: Project) -> None:
    """A cursor of Django, and ``executemany`` with one set of parameters."""
    with project.connection.cursor() as cursor:
        cursor.execute("select count(*) from integration_author where name = %s", [1])
        cursor.fetchall()
        cursor.executemany("update integration_author set name = %s where id = %s", [(1, -1)])


@databases
@pytest.mark.parametrize("work", [loop, eager, writing, by_hand])
def test_our_count_is_that_of_the_witness(
    work: Callable[[Project], None], project: Project, watched: Watched, no_faults: None
) -> None:
    """Whatever the ORM sends counts as the database saw it."""
    counts: list[int] = []

    seen = project.seen(lambda: counts.append(watched.count_of(lambda: work(project))))

    assert seen
    assert [len(seen)] == counts, seen


@databases
def test_health_checks_are_no_query(project: Project, watched: Watched, no_faults: None) -> None:
    """``CONN_HEALTH_CHECKS`` asks before the first query of each request; the question is none."""

    def work() -> None:
        for _ in range(5):
            project.connection.health_check_done = False
            assert list(Author.objects.using(project.alias).filter(pk=-1)) == []

    assert 5 == watched.count_of(work)


@databases
def test_a_failure_in_a_transaction_stays(project: Project, watched: Watched) -> None:
    """A broken statement raises Django's error inside ``atomic``; the transaction goes on after its savepoint."""

    def work() -> None:
        with transaction.atomic(using=project.alias):
            with (
                pytest.raises((ProgrammingError, OperationalError, IntegrityError)),
                transaction.atomic(using=project.alias),
                project.connection.cursor() as cursor,
            ):
                cursor.execute("select * from nowhere")
            assert 5 <= Author.objects.using(project.alias).count()

    assert 2 == watched.count_of(work)
