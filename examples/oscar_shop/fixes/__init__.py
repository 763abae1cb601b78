"""The fixes that the report's advice leads to, one file each, applied to oscar from outside.

``SHOP_FIXES`` names those to apply, by commas; all of them without it.
"""
