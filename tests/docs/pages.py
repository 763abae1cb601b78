"""The hand-written pages and what they claim, for the tests that hold them to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "collector-config", "deploy")
"""Where pages stand, apart from those at the top."""


def all_pages() -> list[Path]:
    """Every Markdown page that people read here."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md", "CHANGELOG.md")]
    return [*top, *(page for folder in FOLDERS for page in sorted((ROOT / folder).rglob("*.md")))]


def hand_written() -> list[Path]:
    """The pages that no script writes."""
    return [page for page in all_pages() if page.parent.name != "reference"]


def code_blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of *language*, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def shell_lines(page: Path) -> Iterator[str]:
    """Every line a reader may type: those of bash blocks, and inline code."""
    for block in code_blocks(page, "bash"):
        yield from (line for line in block.splitlines() if line and not line.startswith("#"))
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    yield from re.findall(r"`([^`\n]+)`", text)


def name(page: Path) -> str:
    """The page as the repository calls it; the id of a test."""
    return str(page.relative_to(ROOT))
