"""The documentation page: Swagger UI, served without any other host, so that it works on a closed network."""

import hashlib
import importlib.util
from pathlib import Path

from fastapi.responses import FileResponse, HTMLResponse

from parley_core import PublicRoute, Router, StartupError, raises
from parley_core.errors import RouteNotFound

PAGE_PATH = "/docs"
ASSET_PATH = "/docs/{version}/{name}"
_READ_BEFORE_LOGIN = "the documentation is read before an account exists, and it contains no data"
PUBLIC = (
    PublicRoute("GET", PAGE_PATH, _READ_BEFORE_LOGIN),
    PublicRoute("GET", ASSET_PATH, "scripts and styles of the documentation page"),
)
PUBLIC_DOCUMENT = (PublicRoute("GET", "/openapi.json", _READ_BEFORE_LOGIN),)

_PACKAGE = "fastapi_offline"
_OWN_FILES = Path(__file__).parent / "static"
# Relative addresses work under any prefix at which a proxy serves the application.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/{version}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/{version}/swagger-ui-bundle.js"></script>
<script src="docs/{version}/start-swagger-ui.js"></script>
</body>
</html>
"""
_PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    # Swagger UI draws its icons from data: addresses, and draws nothing where Trusted Types are required.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
# The version in an asset's address changes with its content.
_ASSET_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable"}


def build_router() -> Router:
    """Return the routes of the page and of the files that it loads; the OpenAPI document contains none of them.

    Raises:
        StartupError: a file of the installed Swagger UI is missing.
    """
    files = _files()
    current = _digest(files)
    router = Router(prefix="", tag="documentation")

    @router.get(PAGE_PATH, include_in_schema=False)
    async def show_documentation() -> HTMLResponse:
        return HTMLResponse(_PAGE.format(version=current), headers=_PAGE_HEADERS)

    @router.get(ASSET_PATH, include_in_schema=False)
    @raises(RouteNotFound)
    async def get_documentation_asset(version: str, name: str) -> FileResponse:
        if version != current or name not in files:
            raise RouteNotFound
        return FileResponse(files[name], headers=_ASSET_HEADERS)

    return router


def _files() -> dict[str, Path]:
    # Importing the package would also import its own way of building applications.
    spec = importlib.util.find_spec(_PACKAGE)
    folder = Path(*(spec.submodule_search_locations or ())) / "static" if spec else Path()
    paths = (folder / "swagger-ui.css", folder / "swagger-ui-bundle.js", _OWN_FILES / "start-swagger-ui.js")
    return {path.name: path for path in paths}


def _digest(files: dict[str, Path]) -> str:
    try:
        content = b"".join(path.read_bytes() for path in files.values())
    except OSError as error:
        raise StartupError(
            f"a file of the documentation page is missing ({error}): "
            f"reinstall {_PACKAGE.replace('_', '-')}, or set PARLEY_DOCS=false"
        ) from error
    return hashlib.sha256(content).hexdigest()[:12]
