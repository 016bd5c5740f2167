"""Reading the files: their version, and what a start refuses."""

from pathlib import Path

import pytest

from parley_console.files import StaticFiles, read_files
from parley_core import StartupError

PAGE = (
    '<link href="a.css"><script type="module" src="./js/a.js"></script><a href="#top">up</a><a href="../docs">API</a>'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "js").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "a.css").write_text("body {}")
    (tmp_path / "js" / "a.js").write_text("export {};")
    return tmp_path


def test_names_and_types(folder: Path) -> None:
    """Files are known by their place in the folder, and the page isn't one of them."""
    found = read_files(folder).others
    assert {name: file.media_type for name, file in found.items()} == {
        "a.css": "text/css; charset=utf-8",
        "js/a.js": "text/javascript; charset=utf-8",
    }


def test_page_has_the_version(folder: Path) -> None:
    """Addresses of files get the version, a place on the page and what lies outside do not."""
    files = read_files(folder)
    assert files.page.content.decode() == PAGE.replace("a.css", f"{files.version}/a.css").replace(
        "./js", f"{files.version}/js"
    )


def test_version(folder: Path) -> None:
    """The same files have the same version; another content, another name and a move between files change it."""

    def changed(name: str, text: str) -> StaticFiles:
        (folder / name).write_text(text)
        return read_files(folder)

    first = read_files(folder)
    assert read_files(folder) == first
    versions = [
        first.version,
        changed("a.css", "body { }").version,
        changed("b.css", "").version,
        changed("js/b.js", "").version,
    ]
    assert len(set(versions)) == 4


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("index.html", '<script src="b.js"></script>', "names b.js"),
        ("a.map", "{}", "no files such as a.map"),
    ],
)
def test_refusals(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(StartupError, match=message):
        read_files(folder)


def test_no_page(folder: Path) -> None:
    (folder / "index.html").unlink()
    with pytest.raises(StartupError, match="PARLEY_CONSOLE=false"):
        read_files(folder)
