"""What `/` answers: which server this is and where everything else is; browsers are led to the console."""

import re
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from parley_core import PublicRoute, Router
from parley_core.http.framework import routes_of
from parley_core.http.sent_headers import VARY, sends

PUBLIC = (PublicRoute("GET", "/", "whoever opens the address for the first time has no account"),)
_CONSOLE = "console"
_LED: dict[int | str, dict[str, Any]] = {
    307: {
        "description": "Who takes HTML rather than JSON, as browsers do, is led to the console.",
        "headers": {"Location": {"description": "The console's address, relative.", "schema": {"type": "string"}}},
    }
}
_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


class Links(BaseModel):
    """Addresses on this server, each with the prefix under which a proxy serves it."""

    health: str
    readiness: str
    console: str | None = Field(None, description="The page for people; absent where there is none.")
    docs: str | None = Field(None, description="The documentation page; absent where it is switched off.")
    openapi: str | None = Field(None, description="The OpenAPI document; absent where it is switched off.")


class Index(BaseModel):
    """The answer at `/`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Parley",
                    "version": "0.1.0",
                    "links": {
                        "health": "/healthz",
                        "readiness": "/readyz",
                        "console": "/console/",
                        "docs": "/docs",
                        "openapi": "/openapi.json",
                    },
                }
            ]
        }
    )

    name: str
    version: Annotated[str, Field(description="The version of the application.")]
    links: Links


def console_in(app: FastAPI) -> str | None:
    """Return the path of the route that is named `console`; None where no plugin brings one."""
    return next((route.path for route in routes_of(app) if route.name == _CONSOLE), None)


def build_router(*, version: str, shows_docs: bool, console: str | None) -> Router:
    """Return the route of `/`.

    Args:
        version: the version of the application.
        shows_docs: whether the documentation is served.
        console: the path of the console; None where there is none.
    """
    paths = {"health": "/healthz", "readiness": "/readyz"}
    if console:
        paths["console"] = console
    if shows_docs:
        paths |= {"docs": "/docs", "openapi": "/openapi.json"}
    router = Router(prefix="", tag="operations")

    @router.get(
        "/",
        summary="Find the documentation and the probes",
        response_model=Index,
        response_model_exclude_none=True,
        responses=_LED if console else {},
    )
    @sends(*[VARY] if console else ())
    async def show_index(request: Request, response: Response) -> Index | RedirectResponse:
        """Answer what this server is, with the addresses of its documentation and its probes."""
        if console:
            response.headers["Vary"] = "Accept"
            if _prefers_html(",".join(request.headers.getlist("accept"))):
                # Relative, so that it is right behind a proxy that removes a prefix and says nothing of it.
                return RedirectResponse(console.removeprefix("/"), headers={"Vary": "Accept"})
        root = request.scope.get("root_path", "").rstrip("/")
        links = Links.model_validate({name: f"{root}{path}" for name, path in paths.items()})
        return Index(name="Parley", version=version, links=links)

    return router


def _prefers_html(accept: str) -> bool:
    """Return whether HTML is wanted more than JSON (RFC 9110, 12.5.1); who takes anything gets JSON."""
    weights = dict(_range(part) for part in accept.lower().split(","))
    anything = weights.get("*/*", 0.0)
    html = weights.get("text/html", weights.get("text/*", anything))
    return html > weights.get("application/json", weights.get("application/*", anything))


def _range(part: str) -> tuple[str, float]:
    """Return a media range and its weight, which is 0 where it isn't written as one."""
    name, *parameters = (word.strip() for word in part.split(";"))
    weight = next((word for word in parameters if word.startswith("q=")), "q=1")
    found = _WEIGHT.fullmatch(weight)
    return name, float(found[1]) if found else 0.0
