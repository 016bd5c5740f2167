"""Whether each route is reached: no earlier route may answer at its addresses.

Routes are tried in turn, and what a path is spelt like says little: `/{x:str}` and `/{rest:path}` have the same
addresses. So the example addresses of each route are matched against all routes before it.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from starlette.convertors import (
    Convertor,
    FloatConvertor,
    IntegerConvertor,
    PathConvertor,
    StringConvertor,
    UUIDConvertor,
)
from starlette.routing import Mount, Route, WebSocketRoute

from parley_core.errors import StartupError
from parley_core.http.framework import RouteContext, original_of
from parley_core.http.requests import methods_answered
from parley_core.kernel.owners import described, owner_of

_PARAMETER = re.compile(r"\{(\w+)\}")
_UUID = "c0ffee00-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class _Examples:
    """Values for parameters, longer than any path is, so that none is an exception that another route spells out."""

    length: int

    def of(self, convertor: Convertor[object]) -> Sequence[str]:
        """Return values that a convertor takes, the one that most routes would take last; none if it isn't known."""
        text, number = "~" * self.length, "7" * self.length
        values: Mapping[type, Sequence[str]] = {
            StringConvertor: (text, number, f"{number}.5", _UUID),
            PathConvertor: (f"{text}/{text}", text),
            IntegerConvertor: (number,),
            FloatConvertor: (f"{number}.5", number),
            UUIDConvertor: (_UUID,),
        }
        return values.get(type(convertor), ())


@dataclass(frozen=True)
class _Addresses:
    """Where a route answers."""

    route: RouteContext
    methods: frozenset[str] | None
    """None for all, WebSockets included."""
    head: str
    """What every address begins with."""

    @classmethod
    def of(cls, route: RouteContext) -> "_Addresses":
        methods = frozenset(methods_answered(route.methods)) if route.methods else None
        if isinstance(original_of(route), WebSocketRoute):
            methods = frozenset({"WEBSOCKET"})
        return cls(route, methods, (route.path or "").partition("{")[0])

    def may_meet(self, other: "_Addresses") -> bool:
        """Return whether methods and beginnings leave it possible that both answer at one address."""
        heads = self.head.startswith(other.head) or other.head.startswith(self.head)
        return heads and (self.methods is None or other.methods is None or bool(self.methods & other.methods))

    def examples(self, values: _Examples, *, all_kinds: bool) -> Iterator[str]:
        """Return example addresses.

        Args:
            values: values for parameters.
            all_kinds: also those that a narrower route has: text may be a number, and a path one segment.
        """
        names = _PARAMETER.findall(self.route.path_format or "")
        kinds = [values.of(self.route.param_convertors[name]) for name in names]
        for chosen in itertools.product(*(kind if all_kinds else kind[:1] for kind in kinds)):
            given = iter(chosen)
            yield _PARAMETER.sub(lambda _, given=given: next(given), self.route.path_format or "")  # type: ignore[misc]

    def match(self, address: str) -> bool:
        """Return whether the route answers at an address."""
        return self.route.path_regex.match(address) is not None


def check_reached(routes: Sequence[RouteContext], is_checked: Callable[[RouteContext], bool]) -> None:
    """Refuse a route at whose addresses an earlier one answers, and one of which that can't be known.

    Routes of one plugin may have exceptions before the rule, as `/users/me` before `/users/{user_id}` or a number
    before any text. What another plugin brings may have only exceptions that it spells out.

    Args:
        routes: all routes in the order in which they are tried.
        is_checked: whether Parley answers for a route; of two others the second is the host's concern.

    Raises:
        StartupError: there is such a route; the message names both with their functions.
    """
    values = _Examples(1 + max((len(route.path or "") for route in routes), default=0))
    known = [_Addresses.of(r) for r in routes if isinstance(original_of(r), Route | WebSocketRoute | Mount)]
    for number, later in enumerate(known):
        if is_checked(later.route):
            _check_convertors(later.route, values)
        for earlier in known[:number]:
            if earlier.may_meet(later) and (is_checked(earlier.route) or is_checked(later.route)):
                _check_pair(earlier, later, values)


def _check_pair(earlier: _Addresses, later: _Addresses, values: _Examples) -> None:
    is_foreign = owner_of(original_of(earlier.route)) != owner_of(original_of(later.route))
    for address in later.examples(values, all_kinds=is_foreign):
        if earlier.match(address):
            first = described(earlier.route)
            raise StartupError(f"route {described(later.route)} isn't reached: {first} comes first and answers there")


def _check_convertors(route: RouteContext, values: _Examples) -> None:
    for name, convertor in route.param_convertors.items():
        if not values.of(convertor):
            raise StartupError(
                f"route {described(route)}: parameter '{name}' has the convertor {type(convertor).__name__}, and no "
                "address is known that it takes: use str, int, float, uuid or path"
            )
