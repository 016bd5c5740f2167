"""What the console's files contain: little, plain, and only addresses that the API has."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import parley_console
from parley_core.testing.documented import Documented

STATIC = Path(parley_console.__file__).parent / "static"
KB = 1024
# Some end a file's life as plain text: what makes markup or code out of text.
_MARKUP = re.compile(
    r"\.(innerHTML|outerHTML|srcdoc)\b|\b(insertAdjacentHTML|createContextualFragment|DOMParser|document\.write|eval|Function)\("
)
_FOREIGN = re.compile(r"""["'`(](https?:)?//[^\s"'`)]+""")
# Names of formats, which nothing asks for.
_NAMESPACES = {"http://www.w3.org/2000/svg"}
_CALL = re.compile(r"""\b(\w+)\(\s*(?:"([A-Z]+)",\s*(?:address\()?)?["'`](/v1/[^"'`]*)["'`]""")
_ADDRESS = re.compile(r"""["'`](/(?:v1|healthz|readyz|docs|openapi)[^"'`\s]*)["'`]""")
_METHODS = {
    "get": "get",
    "getAll": "get",
    "getTagged": "get",
    "post": "post",
    "put": "put",
    "patch": "patch",
    "remove": "delete",
}
# What the application serves beside the API's own operations.
_BESIDE = {"/docs", "/openapi.json", "/healthz", "/readyz"}


def files(*suffixes: str) -> dict[str, str]:
    """The files with these suffixes and their texts."""
    found = sorted(path for path in STATIC.rglob("*") if path.suffix in suffixes)
    return {str(path.relative_to(STATIC)): path.read_text(encoding="utf-8") for path in found}


def addresses(text: str) -> Iterator[tuple[str | None, str]]:
    """The addresses of the API that a script names, with the method where the call says it."""
    calls = {found[3]: found[2].lower() if found[2] else _METHODS.get(found[1]) for found in _CALL.finditer(text)}
    for found in _ADDRESS.finditer(text):
        yield calls.get(found[1]), found[1]


def unknown(text: str, documented: Documented) -> list[str]:
    """The addresses of a script that the OpenAPI document lacks."""
    found = []
    for method, address in addresses(text):
        operations = documented.operations_at(re.sub(r"{\w+}", "x", address))
        if address not in _BESIDE and (method not in operations if method else not operations):
            found.append(f"{method or 'any'} {address}")
    return found


class TestSize:
    def test_all_of_it(self) -> None:
        """A page that is loaded for the first time is small."""
        scripts, styles = files(".js"), files(".css")
        assert sum(len(text.encode()) for text in scripts.values()) <= 60 * KB
        assert sum(len(text.encode()) for text in styles.values()) <= 12 * KB
        everything = "".join(files(".js", ".css", ".html", ".svg").values())
        assert len(gzip.compress(everything.encode(), mtime=0)) <= 25 * KB

    def test_modules(self) -> None:
        """A module is read in one go."""
        assert {name: lines for name, text in files(".js").items() if (lines := text.count("\n")) > 200} == {}


class TestContent:
    def test_no_text_becomes_markup_or_code(self) -> None:
        assert {name: found for name, text in files(".js").items() if (found := _MARKUP.findall(text))} == {}

    def test_the_page_has_nothing_inline(self) -> None:
        """The policy refuses it."""
        for name, text in files(".html").items():
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text), name

    def test_nothing_comes_from_elsewhere(self) -> None:
        for name, text in files(".js", ".css", ".html", ".svg").items():
            found = {match[0][1:] for match in _FOREIGN.finditer(text)} - _NAMESPACES
            assert found == set(), name

    def test_addresses_are_the_apis(self, documented: Documented) -> None:
        """Each operation that a script asks for is in the OpenAPI document."""
        scripts = files(".js")
        assert len({address for text in scripts.values() for _, address in addresses(text)}) > 20
        assert {name: found for name, text in scripts.items() if (found := unknown(text, documented))} == {}


class TestControl:
    """What the checks above look for, they find."""

    def test_addresses(self, documented: Documented) -> None:
        text = """
            get("/v1/interviews/{interview_id}", {}); post("/v1/nowhere"); remove("/v1/interviews");
            send("PUT", "/v1/users/me"); request("POST", address("/v1/auth/refresh")); const stream = "/v1/none";
        """
        found = ["post /v1/nowhere", "delete /v1/interviews", "put /v1/users/me", "any /v1/none"]
        assert unknown(text, documented) == found

    def test_markup_and_foreign_addresses(self) -> None:
        assert _MARKUP.findall('e.innerHTML = t; e.insertAdjacentHTML("a", t); new Function("x")')
        assert _FOREIGN.search('import "https://cdn.example/x.js"')
        assert _FOREIGN.search("url(//cdn.example/x.png)")
        assert not _FOREIGN.search("// a comment")
