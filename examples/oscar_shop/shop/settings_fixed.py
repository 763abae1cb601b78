"""The shop with what its report advises; see ``fixes``."""

from shop.settings import *  # noqa: F403
from shop.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "fixes"]
