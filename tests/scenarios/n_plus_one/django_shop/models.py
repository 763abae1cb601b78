"""Books, authors and what belongs to them; the properties are the kind that templates call in loops."""

from __future__ import annotations

from django.db import models


class Publisher(models.Model):
    name = models.CharField(max_length=50)


class Author(models.Model):
    name = models.CharField(max_length=50)
    publisher = models.ForeignKey(Publisher, models.CASCADE)

    @property
    def book_total(self) -> int:
        """How many books, asked of the database each time."""
        return self.book_set.count()  # <- here


class Profile(models.Model):
    author = models.OneToOneField(Author, models.CASCADE)
    motto = models.CharField(max_length=50)


class Tag(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE)
    isbn = models.CharField(max_length=20, unique=True)
    notes = models.TextField(default="")
    price = models.IntegerField(default=10)
    tags = models.ManyToManyField(Tag)


class Setting(models.Model):
    key = models.CharField(max_length=20, primary_key=True)
    value = models.CharField(max_length=20)


class Category(models.Model):
    name = models.CharField(max_length=20)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
