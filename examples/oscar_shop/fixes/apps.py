"""Applies the fixes when Django has loaded the shop."""

import os
from importlib import import_module

from django.apps import AppConfig

FIXES = ("orders", "search_results", "product_lists", "basket_lines", "offer_ranges")


class FixesConfig(AppConfig):
    """The last application, so that there is all of oscar to change."""

    name = "fixes"

    def ready(self) -> None:
        for name in os.environ.get("SHOP_FIXES", ",".join(FIXES)).split(","):
            import_module(f"fixes.{name}").apply()
