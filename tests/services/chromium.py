"""Debian's Chromium, driven by playwright: what a page does, asks for and complains of."""

from __future__ import annotations

import importlib.util
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.services.process import ServiceAbsent


@dataclass
class Seen:
    """An open page, and all that it asked for beside itself, or complained of, in the order of happening."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


class Chromium:
    """A browser without window; a context manager that ends it."""

    def __init__(self) -> None:
        binary = shutil.which("chromium", path="/usr/bin:/usr/local/bin")
        if not binary:
            raise ServiceAbsent("Chromium is not installed; run scripts/install-services")
        if importlib.util.find_spec("playwright") is None:
            raise ServiceAbsent("playwright is not installed: pip install playwright")
        from playwright.sync_api import sync_playwright

        self._driver = sync_playwright().start()
        # Its sandbox refuses root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        try:
            self._browser = self._driver.chromium.launch(executable_path=binary, args=arguments)
        except BaseException:
            self._driver.stop()
            raise

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, file: Path | str, *, width: int = 1200, dark: bool = False) -> Seen:
        """The page of a *file*, or at an address, in a window of so many pixels."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        seen = Seen(context.new_page())
        address = file if isinstance(file, str) else file.absolute().as_uri()
        seen.page.on("request", lambda request: _note(seen, request.url, address))
        seen.page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
        seen.page.on("pageerror", lambda fault: seen.complaints.append(f"error: {fault}"))
        seen.page.goto(address)
        return seen

    def close(self) -> None:
        """End it; safe to call twice."""
        with suppress(Exception):
            self._browser.close()
        self._driver.stop()


def _note(seen: Seen, url: str, own: str) -> None:
    if url.partition("#")[0] != own:
        seen.requests.append(url)
