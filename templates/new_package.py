"""Write a new package into the workspace: `python templates/new_package.py labels [label]`.

The template is a package of its own, `templates/package`, whose word `widget` is replaced.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_MANY, _ONE = "widgets", "widget"
_NAME = re.compile(r"[a-z]+")
_ARRAY = re.compile(r'^(?P<start>\w+ = \[)(?P<items>"[^\]\n]*")\]$', re.MULTILINE)
_SOURCE = "parley-{} = {{ workspace = true }}\n"
_SIBLING = "parley_interviews"


class WrongName(ValueError):
    """The package can't have this name; the message says why."""


def write(many: str, one: str = "", *, root: Path = ROOT) -> Path:
    """Write `packages/<many>` and enter it in the root's pyproject.toml; return the folder.

    Args:
        many: the package's word, like `labels`: the distribution is `parley-labels`.
        one: the word for a single one; unset is `many` without its last "s".
        root: the workspace.

    Raises:
        WrongName: a word isn't made of lower-case letters, or the package exists or is listed already.
    """
    one = one or many.removesuffix("s")
    folder = root / "packages" / many
    if not (_NAME.fullmatch(many) and _NAME.fullmatch(one)) or one == many:
        raise WrongName("name the package in the plural, in lower-case letters: labels. Irregular: feedback entry")
    if folder.exists():
        raise WrongName(f"{folder} exists")
    settings = root / "pyproject.toml"
    if _SOURCE.format(many) in settings.read_text(encoding="utf-8"):
        raise WrongName(f"parley-{many} is listed in pyproject.toml already: remove what an earlier try entered")
    words = {_MANY: many, _ONE: one, _MANY.title(): many.title(), _ONE.title(): one.title()}
    words |= {word.upper(): new.upper() for word, new in words.items()}
    template = root / "templates" / "package"
    for source in sorted(path for path in template.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        target = folder / _renamed(str(source.relative_to(template)), words)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_renamed(source.read_text(encoding="utf-8"), words), encoding="utf-8")
    settings.write_text(entered(settings.read_text(encoding="utf-8"), many), encoding="utf-8")
    return folder


def entered(settings: str, name: str) -> str:
    """Return the text of the root's pyproject.toml with a package wherever `parley_interviews` is listed."""

    def with_package(array: re.Match[str]) -> str:
        items = re.findall(r'"([^"]*)"', array["items"])
        if _SIBLING in items:
            items = sorted([*items, f"parley_{name}"])
        else:
            items = [_layer_with(item, f"parley_{name}") for item in items]
        return array["start"] + ", ".join(f'"{item}"' for item in items) + "]"

    source = _SOURCE.format("interviews")
    return _ARRAY.sub(with_package, settings).replace(source, source + _SOURCE.format(name))


def _layer_with(item: str, package: str) -> str:
    """Return a layer of features with a package beside the others, and everything else as it is."""
    features = item.split(" | ")
    return " | ".join(sorted([*features, package])) if _SIBLING in features else item


def _renamed(text: str, words: dict[str, str]) -> str:
    # The longer word first: `widgets` contains `widget`.
    pattern = "|".join(sorted(words, key=len, reverse=True))
    return re.sub(pattern, lambda found: words[found[0]], text)


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit("new-package: name the package: uvx nox -s new-package -- labels")
    try:
        print(f"wrote {write(*sys.argv[1:])}")
    except WrongName as error:
        sys.exit(f"new-package: {error}")
