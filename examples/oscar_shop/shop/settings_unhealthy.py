"""The mended shop plus what makes it ill: see :mod:`shop.trouble`."""

from shop.settings_fixed import *  # noqa: F403
from shop.settings_fixed import MIDDLEWARE

MIDDLEWARE = ["shop.trouble.Trouble", *MIDDLEWARE]
