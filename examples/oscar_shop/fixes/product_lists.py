"""Lists of products beside the search: recommended, seen lately, on offer. What their boxes show is asked for once."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from oscar.core.loading import get_class, get_model


def with_box(products: QuerySet[Any]) -> QuerySet[Any]:
    """*products* with what ``partials/product.html`` reads of each: class, image, price, and whether it has options."""
    option = get_model("catalogue", "Option")
    return (
        products.select_related("product_class")
        .prefetch_related("images", "stockrecords")
        .annotate(
            has_product_class_options=Exists(option.objects.filter(productclass=OuterRef("product_class"))),
            has_product_options=Exists(option.objects.filter(product=OuterRef("pk"))),
        )
    )


def apply() -> None:
    """Load the three lists with what their boxes show."""
    product = get_model("catalogue", "Product")
    offer = get_model("offer", "ConditionalOffer")
    history = get_class("customer.history", "CustomerHistoryManager")
    on_offer = offer.products

    def sorted_recommended_products(self: Any) -> list[Any]:
        ranked = list(self.primary_recommendations.values_list("recommendation_id", flat=True))
        found = with_box(product.objects.all()).in_bulk(ranked)
        return [found[key] for key in ranked]

    def products(self: Any) -> QuerySet[Any]:
        return with_box(on_offer(self))

    def get(cls: Any, request: HttpRequest) -> list[Any]:
        keys = cls.extract(request)
        found = with_box(product.objects.browsable()).in_bulk(keys)
        return [found[key] for key in reversed(keys) if key in found]

    product.sorted_recommended_products = property(sorted_recommended_products)
    offer.products = products
    history.get = classmethod(get)
