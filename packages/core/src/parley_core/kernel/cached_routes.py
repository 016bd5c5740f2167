"""What the answer of a cached route may depend on: its gate and its address, which are in the key, and data.

On a hit nothing but the gate runs. A header that the endpoint reads would give one caller another's answer, and a check
among its dependencies would be skipped.
"""

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant

from parley_core.http.gates import Gate
from parley_core.http.requests import Provided, reads_only_address
from parley_core.kernel.owners import function_of

_CONNECTIONS = ("request_param_name", "websocket_param_name", "http_connection_param_name")


def beyond_key(dependant: Dependant, *, is_trusted: bool = False) -> Iterator[str]:
    """Return what a cached endpoint depends on though it isn't in the key, in words.

    Allowed are the gate, path and query parameters, services, the response, and dependencies that are declared with
    `of_address`.

    Args:
        dependant: what the route depends on.
        is_trusted: it is declared with `of_address`, so that it may take the request.
    """
    yield from (f"the header '{parameter.alias}'" for parameter in dependant.header_params)
    yield from (f"the cookie '{parameter.alias}'" for parameter in dependant.cookie_params)
    yield from (f"the body '{parameter.alias}'" for parameter in dependant.body_params)
    if not is_trusted and any(getattr(dependant, name) for name in _CONNECTIONS):
        yield "the whole request"
    if dependant.background_tasks_param_name:
        yield "background tasks"
    for dependency in dependant.dependencies:
        yield from _of_dependency(dependency)


def _of_dependency(dependency: Dependant) -> Iterator[str]:
    call: object = dependency.call
    if isinstance(call, Gate) or type(call) is Provided:
        return
    if reads_only_address(call):
        yield from beyond_key(dependency, is_trusted=True)
    else:
        yield f"the dependency {function_of(call)}"
