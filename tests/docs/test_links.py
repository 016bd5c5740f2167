"""Every relative link in every Markdown file leads somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z]+:")


def pages() -> Iterator[Path]:
    """Yield every Markdown file of the project, without the hidden folders of tools."""
    for entry in sorted(ROOT.iterdir()):
        if entry.suffix == ".md":
            yield entry
        elif entry.is_dir() and not entry.name.startswith("."):
            yield from sorted(path for path in entry.rglob("*.md") if not _is_hidden(path))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(ROOT).parts)


def anchors(page: Path) -> set[str]:
    """Return the names by which a page's headings can be linked to."""
    headings = _HEADING.findall(_FENCED.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    """Return the targets of a page's relative links that don't exist."""
    targets = _LINK.findall(_CODE.sub("", _FENCED.sub("", page.read_text())))
    return [target for target in targets if not _ELSEWHERE.match(target) and not _exists(page, target)]


def _exists(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = page.parent / name if name else page
    return path.exists() and (not anchor or anchor in anchors(path))


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    """No link of the page is broken."""
    assert broken_links(page) == []


def test_the_pages_are_found() -> None:
    """The check covers all kinds of pages."""
    found = {str(page.relative_to(ROOT)) for page in pages()}
    assert {"README.md", "docs/deploying.md", "packages/core/README.md", "examples/foreign-app/README.md"} <= found


def test_index_leads_to_every_page() -> None:
    """Every page of docs/ is linked from docs/index.md, or from the index of its folder, which is."""
    for index in sorted((ROOT / "docs").rglob("index.md")):
        linked = {target.partition("#")[0] for target in _LINK.findall(index.read_text())}
        pages = {path.name for path in index.parent.glob("*.md")} - {"index.md"}
        folders = {f"{path.parent.name}/index.md" for path in index.parent.glob("*/index.md")}
        assert (pages | folders) - linked == set()


def test_fires(tmp_path: Path) -> None:
    """A missing file and a missing heading are found; other addresses and code are not checked."""
    (tmp_path / "other.md").write_text("# A `code` heading\n\n```sh\n# no heading\n```\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md) [b](other.md#a-code-heading) [c](https://example.com) `[d](code.md)`\n"
        "[e](missing.md) [f](other.md#no-heading) [g](#nowhere)\n"
    )
    assert broken_links(page) == ["missing.md", "other.md#no-heading", "#nowhere"]
