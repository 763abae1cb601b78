"""Where the configuration of a process stands: its file, and beside it the run-time override and the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE_VARIABLE = "VEREIN_CONFIG"
STATE_VARIABLE = "VEREIN_CONFIG_STATE"
STANDARD_FILE_VARIABLE = "OTEL_CONFIG_FILE"
DEFAULT_FILE = "verein.yaml"
DEFAULT_STATE = ".verein/config"
OVERRIDE_FILE = "override.yaml"
STANDARD_BASE = ("distribution", "verein")
"""The node of a standard declarative configuration that is ours."""


@dataclass(frozen=True, slots=True)
class Files:
    """Absolute paths. *base* leads to our node in *file*: nothing, or that of a standard declarative configuration."""

    file: Path
    state: Path
    named: bool = False
    """Whether a variable names the file, so that it has to be there."""
    base: tuple[str, ...] = ()

    @property
    def override(self) -> Path:
        """The file of the run-time override."""
        return self.state / OVERRIDE_FILE


def candidates(environ: Mapping[str, str], directory: Path | None = None) -> list[Files]:
    """Where the configuration may stand, the first that has it counts.

    That is the file that ``VEREIN_CONFIG`` names; or the node ``distribution.verein`` of the one that
    ``OTEL_CONFIG_FILE`` names; or ``verein.yaml`` in *directory*, else in the working directory.
    """
    here = (directory or Path.cwd()).absolute()
    given = environ.get(STATE_VARIABLE)

    def files(path: Path, *, named: bool = True, base: tuple[str, ...] = ()) -> Files:
        return Files(path, here / given if given else path.parent / DEFAULT_STATE, named, base)

    if environ.get(FILE_VARIABLE):
        return [files(here / environ[FILE_VARIABLE])]
    found = [files(here / DEFAULT_FILE, named=False)]
    if environ.get(STANDARD_FILE_VARIABLE):
        found.insert(0, files(here / environ[STANDARD_FILE_VARIABLE], base=STANDARD_BASE))
    return found
