"""The shop's settings plus one thing: SQLite itself writes down every statement it runs."""

import os
from pathlib import Path

from shop import witness
from shop.settings import *  # noqa: F403
from shop.settings import DATABASES

DATABASES["default"]["OPTIONS"]["factory"] = witness.connection_class(Path(os.environ["SHOP_WITNESS_DIRECTORY"]))
