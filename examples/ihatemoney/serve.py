"""ihatemoney as it is, or with the fixes that its report leads to: ``MONEY_FIXES`` names them."""

import os

import fixes
from ihatemoney.run import create_app

app = create_app()
for name in filter(None, os.environ.get("MONEY_FIXES", "").split(",")):
    fixes.FIXES[name]()
