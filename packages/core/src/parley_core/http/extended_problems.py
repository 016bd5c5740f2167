"""Routes whose problems have members of their own, as another standard asks for them."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.types import Receive, Scope, Send

from parley_core.http.problems import MoreMembers
from parley_core.http.routing import ParleyRoute

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])


def problems_with(more: MoreMembers) -> Callable[[AnyFunction], AnyFunction]:
    """Declare that every problem that answers a request to an endpoint has more members."""

    def declare(function: AnyFunction) -> AnyFunction:
        function.more_members = more  # type: ignore[attr-defined]
        function.route_class = ExtendedRoute  # type: ignore[attr-defined]
        return function

    return declare


class ExtendedRoute(ParleyRoute):
    """The route of an endpoint that was declared with `problems_with`."""

    def __init__(self, path: str, endpoint: Callable[..., Awaitable[Any]], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.more_members: MoreMembers = endpoint.more_members  # type: ignore[attr-defined]

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.more_members.add_to(scope)
        await super().handle(scope, receive, send)
