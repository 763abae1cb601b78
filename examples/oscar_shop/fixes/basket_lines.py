"""Each line of a basket asks for the stock and the class of its product, whose page and price need them."""

from typing import Any

from django.db.models import QuerySet
from oscar.core.loading import get_model


def apply() -> None:
    """Load the lines of a basket with the class and the stock of their products."""
    basket = get_model("basket", "Basket")
    lines = basket.all_lines

    def all_lines(self: Any) -> QuerySet[Any]:
        if self.id is not None and self._lines is None:
            self._lines = lines(self).select_related("product__product_class", "stockrecord")
            self._lines = self._lines.prefetch_related("product__stockrecords")
            return self._lines  # type: ignore[no-any-return]
        return lines(self)  # type: ignore[no-any-return]

    basket.all_lines = all_lines
