"""Products in categories."""

from django.db import models


class Category(models.Model):
    name = models.CharField(max_length=80)
    slug = models.SlugField(unique=True)


class Brand(models.Model):
    name = models.CharField(max_length=80)


class Product(models.Model):
    category = models.ForeignKey(Category, models.CASCADE)
    brand = models.ForeignKey(Brand, models.CASCADE)
    title = models.CharField(max_length=120)
    description = models.TextField()
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.IntegerField()
    added = models.DateTimeField()
