"""What linters, validators and a generator for TypeScript, which nobody here wrote, say about the document."""

import json
from pathlib import Path

from tools import Run

HERE = Path(__file__).parent


def test_is_valid_openapi(python_tool: Run, document_file: Path) -> None:
    """It is what the OpenAPI specification calls a valid document."""
    checked = python_tool("openapi-spec-validator", "--validation-errors", "all", document_file)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_spectral(node_tool: Run, document_file: Path) -> None:
    """Spectral's rules for OpenAPI find nothing, not even a hint."""
    options = ("--ruleset", HERE / "spectral.json", "--format", "json", "--fail-severity", "hint", "--quiet")
    checked = node_tool("spectral", "lint", *options, document_file)
    found = [f"{fault['code']}: {'.'.join(map(str, fault['path']))}" for fault in json.loads(checked.stdout or "[]")]
    assert (checked.returncode, found) == (0, []), checked.stderr


def test_redocly(node_tool: Run, document_file: Path) -> None:
    """Redocly's recommended rules find no error and no warning."""
    checked = node_tool("redocly", "lint", "--extends=recommended", "--format=json", document_file)
    report = json.loads(checked.stdout)
    found = [
        f"{fault['ruleId']}: {fault['message']}: {fault['location'][0]['pointer']}" for fault in report["problems"]
    ]
    assert (checked.returncode, found) == (0, []), checked.stderr


def test_typescript(node_tool: Run, document_file: Path, tmp_path: Path) -> None:
    """openapi-typescript makes types of it without a warning, and TypeScript accepts them in its strict mode."""
    types = tmp_path / "parley.ts"
    generated = node_tool("openapi-typescript", document_file, "--output", types)
    said = (generated.stdout + generated.stderr).lower()
    assert generated.returncode == 0, said
    assert "warn" not in said
    checked = node_tool("tsc", "--noEmit", "--strict", types)
    assert checked.returncode == 0, checked.stdout
