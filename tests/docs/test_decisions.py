"""The pages of docs/decisions are numbered without gaps, say since when they apply, and are listed in their index."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
_FILE = re.compile(r"(\d{4})-[a-z0-9-]+\.md")
_STATUS = re.compile(r"^(?:- )?Status: (accepted|superseded by \d+)$", re.MULTILINE)
_DATE = re.compile(r"^(?:- )?Date: \d{4}-\d\d-\d\d$", re.MULTILINE)
_ROW = re.compile(r"^\| \[(?P<title>.+)\]\((?P<file>[^)]+)\) \| (?P<status>.+) \|$", re.MULTILINE)


def problems(folder: Path) -> list[str]:
    """What is wrong with a folder of decisions."""
    files = sorted(path.name for path in folder.glob("*.md") if path.name != "index.md")
    numbered = [name for name in files if _FILE.fullmatch(name)]
    free = f"{len(numbered) + 1:04}"
    found = [f"{name} has no number: the next one is {free}" for name in files if name not in numbered]
    for number, name in enumerate(numbered, start=1):
        if not name.startswith(f"{number:04}-"):
            found.append(f"{name} stands where number {number:04} is due: numbers have no gaps and no repeats")
            break
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in files}
    listed = {row["file"]: row for row in _ROW.finditer((folder / "index.md").read_text(encoding="utf-8"))}
    found += [f"index.md lists {name}, which doesn't exist" for name in sorted(listed.keys() - texts.keys())]
    return found + [f"{name}: {what}" for name in files for what in _wrong(name, texts[name], listed.get(name))]


def _wrong(name: str, text: str, row: re.Match[str] | None) -> list[str]:
    """What is wrong with one page."""
    found, status, title = [], _STATUS.search(text), text.partition("\n")[0].removeprefix("# ")
    if not status:
        found.append("needs a line 'Status: accepted' or 'Status: superseded by <number>'")
    if not _DATE.search(text):
        found.append("needs a line 'Date: YYYY-MM-DD'")
    if _FILE.fullmatch(name) and not title.startswith(f"{int(name[:4])}. "):
        found.append(f"its title needs to begin with '{int(name[:4])}. '")
    if row is None:
        found.append("is not listed in docs/decisions/index.md")
    elif (row["title"], row["status"]) != (title, status and status[1]):
        found.append("its row in docs/decisions/index.md has another title or status")
    return found


def test_decisions() -> None:
    """Each decision has its number, status, date and row."""
    assert len(list(FOLDER.glob("*.md"))) > 10
    assert problems(FOLDER) == []


def test_references() -> None:
    """Source code refers to decisions that exist."""
    root = FOLDER.parents[1]
    files = [path for folder in ("packages", "tests", "benchmarks") for path in (root / folder).rglob("*.py")]
    found = [(path, number) for path in files for number in re.findall(r"decisions/(\d{4})\b", path.read_text())]
    assert found
    assert [(path, number) for path, number in found if not list(FOLDER.glob(f"{number}-*.md"))] == []


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("0002-b.md", "Status: accepted", "", "needs a line 'Status: accepted'"),
        ("0002-b.md", "Date: 2026-11-24", "Date: today", "needs a line 'Date: YYYY-MM-DD'"),
        ("0002-b.md", "# 2. B", "# 3. B", "its title needs to begin with '2. '"),
        ("0002-b.md", "Status: accepted", "Status: superseded by 1", "another title or status"),
        ("index.md", "0002-b.md", "0009-z.md", "lists 0009-z.md, which doesn't exist"),
        ("index.md", "0002-b.md", "0009-z.md", "0002-b.md: is not listed"),
        ("0003-c.md", "", "0004-c.md", "0004-c.md stands where number 0003 is due"),
        ("0003-c.md", "", "c.md", "c.md has no number: the next one is 0003"),
    ],
)
def test_fires(tmp_path: Path, name: str, old: str, new: str, found: str) -> None:
    """Every fault is found and named; without one nothing is."""
    for number, letter in enumerate("abc", start=1):
        text = f"# {number}. {letter.upper()}\n\n- Status: accepted\n- Date: 2026-11-24\n"
        (tmp_path / f"{number:04}-{letter}.md").write_text(text)
    rows = (f"| [{n}. {c.upper()}]({n:04}-{c}.md) | accepted |\n" for n, c in enumerate("abc", start=1))
    (tmp_path / "index.md").write_text("".join(rows))
    assert problems(tmp_path) == []
    if old:
        (tmp_path / name).write_text((tmp_path / name).read_text().replace(old, new))
    else:
        (tmp_path / name).rename(tmp_path / new)
    assert any(found in problem for problem in problems(tmp_path))
