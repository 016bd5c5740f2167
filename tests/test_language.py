"""The words of the project: no phrase that its readers would have to translate comes back.

The rules are about all text of the project, code and prose alike, and about the names that Python code gives or uses.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Samples are written apart, so that whoever searches the project for these words finds none.
H = "H"
ROOTS = ("packages", "docs", "deploy", "examples", "templates", "tests", "benchmarks")
SUFFIXES = {".css", ".html", ".ini", ".js", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}

_ARTICLE = "(?:an?|the|one|another|this|that|their|its|your|new|first|second|some|more|other|both|two|all)"
_PERSON = "(?:some(?:body|one)|any(?:body|one)|people|(?:person|user|participant|interviewer|candidate|side)s?|them)"
_BEING = "(?:is|are|was|were|be|been|has|have)"
PHRASES = {
    "they, or the role": r"\bh(?:e|is|im|imself)\b",
    "create or schedule an interview": rf"plans? (?:{_ARTICLE} )*interviews?\b",
    "created, scheduled": r"(?<![^\W_])(?:planned|planning)(?![^\W_])",
    "cancel": r"\bcall(?:s|ed|ing)? (?:(?:it|them|an|the|interviews?) )*off\b",
    "add a participant": rf"\bassign(?:s|ed|ing)? (?:{_ARTICLE} )*{_PERSON}\b",
    "remove a participant": r"\b(?:take|takes|taken|taking|took) (?:\w+ ){0,3}off\b",
    "register, or create an account": (
        rf"\b(?:make|makes|made|making) (?:{_ARTICLE} )*accounts?\b|\baccounts? (?:{_BEING} )*made\b"
    ),
    "deactivate": rf"\b(?:shut|shuts|shutting) (?:{_ARTICLE} )*accounts?\b|\baccounts? (?:{_BEING} )*shut\b",
    "invalidate": r"outdat\w*",
    "retry": r"pursu\w*",
}
"""What to say instead -> what isn't said. A space stands for any space, so that a phrase is found across lines."""

NAMES = {
    "lock": {"hold", "holds", "held", "holding"},
    "check, decide": {"judge", "judges", "judged", "judging", "judgement", "judgment"},
    "redacted, reported, given": {"told"},
    "recheck, unknown outcome": {"doubt", "doubts", "doubted", "doubting"},
}
"""What to call it instead -> the words that no name has."""

_SPACE = r"(?:\s+(?:#:?\s+)?)"  # a wrapped comment goes on behind its mark
_PATTERNS = {word: re.compile(phrase.replace(" ", _SPACE), re.IGNORECASE) for word, phrase in PHRASES.items()}
# A quotation of a file is checked where the file is.
_FENCED = re.compile(r"^```python(?! file=)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def files() -> list[Path]:
    """Every text file of the project but this one; what tools have left in hidden folders is theirs."""
    found = [path for folder in ROOTS for path in (ROOT / folder).rglob("*") if not _is_hidden(path)]
    found += [path for path in ROOT.iterdir() if not path.name.startswith(".")]
    return sorted(path for path in found if path.suffix in SUFFIXES and path.is_file() and path != Path(__file__))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "node_modules" for part in path.relative_to(ROOT).parts)


def phrases_in(text: str) -> Iterator[tuple[int, str]]:
    """The banned phrases of a text, each with its line and what to say instead."""
    for instead, pattern in _PATTERNS.items():
        for found in pattern.finditer(text):
            yield _line(text, found.start()), f"'{' '.join(found[0].split())}': say {instead}"


def names_in(text: str) -> Iterator[tuple[int, str]]:
    """The banned names of a Python module, each with its line and what to call it instead."""
    for node in ast.walk(ast.parse(text)):
        for name in _names(node):
            words = {word.lower() for word in _WORD.findall(name)}
            for instead, banned in NAMES.items():
                if words & banned:
                    yield getattr(node, "lineno", 1), f"name '{name}': say {instead}"


def _names(node: ast.AST) -> Iterator[str]:
    """The names that a node of the syntax tree gives, or uses of another object."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name) | ast.arg(arg=name):
            yield name
        case ast.keyword(arg=str(name)):
            yield name
        case ast.alias(name=name, asname=other):
            yield from (name, other or "")
        case ast.MatchAs(name=str(name)) | ast.ExceptHandler(name=str(name)):
            yield name


def problems(path: Path) -> list[str]:
    """What is wrong with the words of a file, as `file:line: phrase`."""
    text, shown = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
    found = [*phrases_in(text), *((1, f"file name: {message}") for _, message in phrases_in(str(shown)))]
    if path.suffix == ".py":
        found += [*names_in(text), *names_in(f"import {path.stem}" if path.stem.isidentifier() else "")]
    elif path.suffix == ".md":
        for block in _FENCED.finditer(text):
            found += [(line + _line(text, block.start()), message) for line, message in names_in(block[1])]
    return [f"{shown}:{line}: {message}" for line, message in sorted(found)]


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def test_words() -> None:
    """No file of the project has a banned phrase or a banned name."""
    found = [problem for path in files() for problem in problems(path)]
    assert not found, f"{len(found)} banned words:\n" + "\n".join(found)


def test_files_are_found() -> None:
    """The check is about all kinds of files."""
    found = {str(path.relative_to(ROOT)) for path in files()}
    assert {"README.md", "noxfile.py", "pyproject.toml", "docs/deploying.md", "tests/conftest.py"} <= found
    assert {
        "packages/core/src/parley_core/hookspecs.py",
        "benchmarks/run.py",
        "examples/foreign-app/README.md",
    } <= found
    assert len(found) > 200


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"a\n{H}is own.", [(2, f"'{H}is': say they, or the role")]),
        (f"tells {H}im, {H}imself", 2),
        (
            f"{H}e plans an\n    # interview",
            [(1, f"'{H}e': say they, or the role"), (1, "create or schedule an interview")],
        ),
        ("Plan interviews", 1),
        ("as_planned, planning", 2),
        ("It was called off: call it off", 2),
        ("assigned somebody; assigns the second\ninterviewer", 2),
        ("Takes somebody off; was taken off", 2),
        ("make an account; accounts are made; made the first account", 3),
        ("shuts an account; the account was shut", 2),
        ("outdated, outdates, outdating", 3),
        ("pursue, pursuing", 2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_phrases_fire(text: str, found: int | list[tuple[int, str]]) -> None:
    """Each phrase is found in each of its forms, across lines, with the line where it begins."""
    problems = list(phrases_in(text))
    if isinstance(found, int):
        assert len(problems) == found
    else:
        assert [line for line, _ in problems] == [line for line, _ in found]
        assert all(end in message for (_, message), (_, end) in zip(problems, found, strict=True))


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("\ndef hold(): ...", 2),
        ("class Held: ...", 1),
        ("class X:\n    async def test_is_judged(self): ...", 2),
        ("def f(told): ...", 1),
        ("in_doubt = 1", 1),
        ("x: int\nself.holding = 1", 2),
        ("access.hold(session)", 1),
        ("Scope(hold=lock)", 1),
        ("from scope import hold_together", 1),
        ("try: ...\nexcept E as judgement: ...", 2),
    ],
)
def test_names_fire(code: str, line: int) -> None:
    """Each kind of name is found, in any case, by its words."""
    assert [found for found, _ in names_in(code)] == [line]


def test_others_do_not_fire() -> None:
    """Other words, words in strings (a stored field is called `holds`) and other uses of a word are left alone."""
    text = "The sharding plan of the interviews; the shell; this, them, hers; call it; shut down; take part; make it.\n"
    assert not list(phrases_in(text + "assign a value; the account makes; queryPlanner"))
    assert not list(names_in("threshold, household, withhold, holdings = f({'holds': 1}, 'judge')"))


def test_files_fire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is checked by its kind, its own name and the code in its pages included, and the place is reported."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "told.py").write_text(f"x = 1\ny = '{H}e'\n")
    (tmp_path / "page.md").write_text("A page\n\n```python\na = 1\naccess.hold()\n```\n\npursued\n")
    assert problems(tmp_path / "told.py") == [
        "told.py:1: name 'told': say redacted, reported, given",
        f"told.py:2: '{H}e': say they, or the role",
    ]
    assert problems(tmp_path / "page.md") == [
        "page.md:5: name 'hold': say lock",
        "page.md:8: 'pursued': say retry",
    ]
