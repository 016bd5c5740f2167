"""The composed application as requests see it: where its services are found, and how much time a request has."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar, cast

from fastapi.requests import HTTPConnection
from starlette.types import Scope

T = TypeVar("T")


class Composition(Protocol):
    """What the lower rooms know of `Parley`, which composes them."""

    @property
    def request_timeout_seconds(self) -> float:
        """The time that one request's database work may take."""

    def require(self, cls: type[T]) -> T:
        """Return the service of this class."""


def composition_of(scope: Scope) -> Composition:
    """Return the composed application that a request or a WebSocket was sent to."""
    return cast("Composition", scope["app"].state.parley)


def provided(cls: type[T]) -> Callable[[HTTPConnection], Awaitable[T]]:
    """Return a FastAPI dependency that finds a service: `Annotated[OrderService, Depends(provided(OrderService))]`.

    Args:
        cls: a class whose one instance a plugin returned from its hook `parley_services`.
    """

    async def find(connection: HTTPConnection) -> T:
        return composition_of(connection.scope).require(cls)

    return find
