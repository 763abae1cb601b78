"""Django: repeats that start in templates, serializers and forms, whose line is not a loop of Python."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tests.scenarios.n_plus_one.case import DUPLICATE, Group
from tests.scenarios.n_plus_one.django_shop import MODELS, TEMPLATES, N, shop

GROUP = Group("Django rendering", "render", shop)


def _rendered(name: str, engine: str = "django", **context: Any) -> str:
    from django.template import engines

    return engines[engine].get_template(name).render(context)


@GROUP.defect(marked=(TEMPLATES / "foreign_key.html",))
def template_foreign_key(db: ModuleType) -> None:
    """The template asks for the author of each book; its line is the template's."""
    assert "a2" in _rendered("foreign_key.html", books=db.Book.objects.filter(id__lte=N))


@GROUP.silent(template_foreign_key)
def template_joined(db: ModuleType) -> None:
    """The same template over a queryset with the join."""
    assert "a2" in _rendered("foreign_key.html", books=db.Book.objects.filter(id__lte=N).select_related("author"))


@GROUP.defect(marked=(TEMPLATES / "count.html",))
def template_count(db: ModuleType) -> None:
    """The template calls count of each author's books."""
    assert "<td>2</td>" in _rendered("count.html", authors=db.Author.objects.all())


@GROUP.silent(template_count)
def template_count_prefetched(db: ModuleType) -> None:
    """The same template over prefetched authors counts in memory."""
    assert "<td>2</td>" in _rendered("count.html", authors=db.Author.objects.prefetch_related("book_set"))


@GROUP.defect(marked=(MODELS,))
def template_property(db: ModuleType) -> None:
    """The template reads a property that asks; the innermost line of the application is the property's."""
    assert "2" in _rendered("property.html", authors=db.Author.objects.all())


@GROUP.silent(template_property)
def template_property_prefetched(db: ModuleType) -> None:
    """The same property over prefetched authors."""
    assert "2" in _rendered("property.html", authors=db.Author.objects.prefetch_related("book_set"))


@GROUP.defect(marked=(TEMPLATES / "inner.html",))
def included_template(db: ModuleType) -> None:
    """The loop is in one template, the relation in the one that it includes."""
    assert "t3" in _rendered("outer.html", books=db.Book.objects.filter(id__lte=N))


@GROUP.silent(included_template)
def included_template_prefetched(db: ModuleType) -> None:
    """Prefetched before rendering."""
    assert "t3" in _rendered("outer.html", books=db.Book.objects.filter(id__lte=N).prefetch_related("tags"))


@GROUP.defect(marked=(TEMPLATES / "books.jinja",))
def jinja_foreign_key(db: ModuleType) -> None:
    """The same in Jinja2, whose templates are compiled."""
    assert "a2" in _rendered("books.jinja", "jinja2", books=db.Book.objects.filter(id__lte=N))


@GROUP.silent(jinja_foreign_key)
def jinja_joined(db: ModuleType) -> None:
    """With the join."""
    books = db.Book.objects.filter(id__lte=N).select_related("author")
    assert "a2" in _rendered("books.jinja", "jinja2", books=books)


@GROUP.defect(marked=(TEMPLATES / "authors.jinja",))
def jinja_macro(db: ModuleType) -> None:
    """The count stands in a macro that a loop calls."""
    assert "2" in _rendered("authors.jinja", "jinja2", authors=db.Author.objects.all())


@GROUP.silent(jinja_macro)
def jinja_macro_prefetched(db: ModuleType) -> None:
    """Counted in memory."""
    assert "2" in _rendered("authors.jinja", "jinja2", authors=db.Author.objects.prefetch_related("book_set"))


class AuthorSerializer:
    """Objects to dictionaries, field by field and level by level, as serializers do."""

    def many(self, authors: Any) -> list[dict[str, Any]]:
        """All of them."""
        return [self.one(author) for author in authors]

    def one(self, author: Any) -> dict[str, Any]:
        """One author with his books."""
        return {"name": author.name, "books": [self.book(book) for book in author.book_set.all()]}  # <- here

    def book(self, book: Any) -> dict[str, Any]:
        """One book with its tags."""
        return {"title": book.title, "tags": [tag.name for tag in book.tags.all()]}  # <- here


@GROUP.defect(marked=(AuthorSerializer.one, AuthorSerializer.book), loops=2)
def nested_serializer(db: ModuleType) -> None:
    """Books of each author, tags of each book: fifteen and thirty queries."""
    assert N == len(AuthorSerializer().many(db.Author.objects.all()))


@GROUP.silent(nested_serializer)
def nested_serializer_prefetched(db: ModuleType) -> None:
    """Three queries for three levels."""
    assert N == len(AuthorSerializer().many(db.Author.objects.prefetch_related("book_set__tags")))


@GROUP.defect(DUPLICATE)
def choices_of_every_form(db: ModuleType) -> None:
    """Each of twelve forms reads the same list of authors for its drop-down."""
    from django import forms

    class Line(forms.Form):
        author = forms.ModelChoiceField(db.Author.objects.all())

    pages = [Line(prefix=str(number)).as_p() for number in range(12)]  # <- here
    assert all("option" in page for page in pages)


@GROUP.silent(choices_of_every_form)
def choices_read_once(db: ModuleType) -> None:
    """The list is read once and given to all forms."""
    from django import forms

    choices = [(author.id, author.name) for author in db.Author.objects.all()]

    class Line(forms.Form):
        author = forms.ChoiceField(choices=choices)

    assert all("option" in Line(prefix=str(number)).as_p() for number in range(12))


@GROUP.silent(choices_of_every_form)
def one_form_with_three_choices(db: ModuleType) -> None:
    """One form with three drop-downs of three models."""
    from django import forms

    class Line(forms.Form):
        author = forms.ModelChoiceField(db.Author.objects.all())
        tag = forms.ModelChoiceField(db.Tag.objects.all())
        publisher = forms.ModelChoiceField(db.Publisher.objects.all())

    assert "option" in Line().as_p()
