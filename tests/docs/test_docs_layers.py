"""The imports of the package keep to the layers that pyproject.toml declares."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT


def lint_imports(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The outcome of import-linter in *directory*."""
    program = "import sys; from importlinter.cli import lint_imports_command as main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_imports_keep_to_the_layers() -> None:
    """No module imports from a layer above its own; the contracts stand in pyproject.toml."""
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


def test_an_import_against_the_flow_is_found(tmp_path: Path) -> None:
    """The guard of the layers does fail: a base module that imports a higher one breaks the contract."""
    package = tmp_path / "flow"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "high.py").write_text("")
    (package / "low.py").write_text("import flow.high\n")
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = flow\n"
        "[importlinter:contract:1]\nname = flow\ntype = layers\nlayers =\n    flow.high\n    flow.low\n"
    )

    result = lint_imports(tmp_path)

    assert result.returncode == 1
    assert "flow.low is not allowed to import flow.high" in result.stdout
