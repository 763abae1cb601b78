"""Addresses."""

from django.urls import path

from shop import views

urlpatterns = [
    path("shop/<slug:slug>/", views.category, name="category"),
    path("shop/product/<int:pk>/", views.product, name="product"),
]
