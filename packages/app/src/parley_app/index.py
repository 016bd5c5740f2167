"""What `/` answers: which server this is, and where its documentation and its probes are."""

from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from parley_core import PublicRoute, Router

PUBLIC = (PublicRoute("GET", "/", "whoever opens the address for the first time has no account"),)


class Links(BaseModel):
    """Addresses on this server, each with the prefix under which a proxy serves it."""

    health: str
    readiness: str
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


def build_router(*, version: str, shows_docs: bool) -> Router:
    """Return the route of `/`.

    Args:
        version: the version of the application.
        shows_docs: whether the documentation is served.
    """
    paths = {"health": "/healthz", "readiness": "/readyz"}
    if shows_docs:
        paths |= {"docs": "/docs", "openapi": "/openapi.json"}
    router = Router(prefix="", tag="operations")

    @router.get("/", summary="Find the documentation and the probes", response_model_exclude_none=True)
    async def show_index(request: Request) -> Index:
        """Answer what this server is, with the addresses of its documentation and its probes."""
        root = request.scope.get("root_path", "").rstrip("/")
        links = Links.model_validate({name: f"{root}{path}" for name, path in paths.items()})
        return Index(name="Parley", version=version, links=links)

    return router
