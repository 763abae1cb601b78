"""The page."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render

from shop.models import Category, Product


@login_required
def category(request, slug):
    """A page of the products of a category: with session and user five queries."""
    found = get_object_or_404(Category, slug=slug)
    products = Product.objects.filter(category=found).select_related("brand").order_by("-added")
    page = Paginator(products, 24).get_page(request.GET.get("page"))
    return render(request, "shop/category.html", {"category": found, "page": page})


@login_required
def product(request, pk):
    """A page of one product, which the measured one links to."""
    return render(request, "shop/product.html", {"product": get_object_or_404(Product, pk=pk)})
