"""Gates: dependencies that decide whether a request may go on. On their own, since two kinds of routes ask for them."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from fastapi.dependencies.models import Dependant
from starlette.requests import HTTPConnection


@runtime_checkable
class Gate(Protocol):
    """A dependency that decides whether a request may go on, and can be asked without FastAPI's solving."""

    async def admit(self, request: HTTPConnection) -> Any:
        """Return what the dependency gives the endpoint; raise what the request is answered with otherwise."""

    def sees_inside(self, result: Any) -> bool:
        """Return whether whoever was admitted may see how the server came to its answer."""


def gates_of(dependant: Dependant) -> Iterator[Gate]:
    """Yield every gate of a route, also those that its other dependencies bring."""
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Gate):
            yield dependency.call
        yield from gates_of(dependency)
