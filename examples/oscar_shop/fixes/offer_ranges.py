"""Each offer asks of each line of the basket whether its product is in a range: a query for every pair.

The keys of a range are asked for once. A shop with very many products would ask for those of the basket only.
"""

from typing import Any

from oscar.core.loading import get_model


def apply() -> None:
    """Let a range ask once for the products that it holds."""
    range_of = get_model("offer", "Range")
    forget = range_of.invalidate_cached_queryset

    def contains_product(self: Any, product: Any) -> bool:
        if self.proxy:
            return self.proxy.contains_product(product)  # type: ignore[no-any-return]
        if "_product_keys" not in self.__dict__:
            self._product_keys = set(self.product_queryset.values_list("id", flat=True))
        return product.id in self._product_keys

    def invalidate_cached_queryset(self: Any) -> None:
        self.__dict__.pop("_product_keys", None)
        forget(self)

    range_of.contains_product = contains_product
    range_of.invalidate_cached_queryset = invalidate_cached_queryset
