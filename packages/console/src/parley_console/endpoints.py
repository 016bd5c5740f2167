"""The addresses of the console: the page, and the files that it loads."""

from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from parley_console.files import StaticFile, read_files
from parley_core import PublicRoute, Router, raises
from parley_core.errors import RouteNotFound

PAGE_PATH = "/console/"
FILE_PATH = "/console/{version}/{name:path}"
_WITHOUT_SLASH = "/console"
PUBLIC = [
    PublicRoute("GET", PAGE_PATH, "people log in on this page, and it contains no data"),
    PublicRoute("GET", _WITHOUT_SLASH, "leads to the console"),
    PublicRoute("GET", FILE_PATH, "scripts and styles of the console"),
]
_FOLDER = Path(__file__).parent / "static"
_PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    # The script makes no markup out of text, so that it needs no Trusted Types policy of its own.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
_FILE_HEADERS = {
    # Another content has another address.
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def build_router(folder: Path = _FOLDER) -> Router:
    """Return the routes of the page and its files, which are read now; the OpenAPI document contains none of them.

    All addresses are relative, so that they are right under any prefix at which a proxy serves the application.

    Args:
        folder: where the files are.

    Raises:
        StartupError: a file is missing or can't be served.
    """
    files = read_files(folder)
    router = Router(prefix="", tag="console", versioned=False)

    @router.get(PAGE_PATH, name="console", include_in_schema=False)
    async def show_console(request: Request) -> Response:
        return _answer(files.page, request, _PAGE_HEADERS)

    @router.get(_WITHOUT_SLASH, include_in_schema=False)
    async def find_console() -> RedirectResponse:
        return RedirectResponse("console/")

    @router.get(FILE_PATH, include_in_schema=False)
    @raises(RouteNotFound)
    async def get_console_file(version: str, name: str, request: Request) -> Response:
        if version != files.version or name not in files.others:
            raise RouteNotFound
        return _answer(files.others[name], request, _FILE_HEADERS)

    return router


def _answer(file: StaticFile, request: Request, headers: dict[str, str]) -> Response:
    """Return a file, compressed where the browser takes that."""
    headers = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(file.content, media_type=file.media_type, headers=headers)
    return Response(file.compressed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
