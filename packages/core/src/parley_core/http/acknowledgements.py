"""Answers of writes that change nothing: each is as current as one that changed something.

"It is as you wanted", "it is a duplicate" and "the state forbids it" are said of what was read, which another worker
may have written and not yet published. Whoever reads this and lists it next must find it there.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Response, status

from parley_core.data.publication import noting_publications
from parley_core.errors import ParleyError
from parley_core.http.bodies import DeferredRequest
from parley_core.http.requests import composition_of
from parley_core.log.catching_up import CatchUp

Handler = Callable[[Any], Coroutine[Any, Any, Response]]
SAFE = {"GET", "HEAD", "OPTIONS"}


def acknowledging(handle: Handler) -> Handler:
    """Return the handler of a route that writes, which answers what it finds done only once that is published.

    What has changed something pays nothing for this: a recorded write has published itself, and 201 says that something
    is new. Refusals that come before the endpoint say nothing of what is stored.
    """

    async def handle_as_current(request: DeferredRequest) -> Response:
        with noting_publications() as published:
            try:
                answer = await handle(request)
            except ParleyError as error:
                if request.is_admitted and error.status < status.HTTP_500_INTERNAL_SERVER_ERROR:
                    await _catch_up(request)
                raise
        if not published and answer.status_code != status.HTTP_201_CREATED:
            await _catch_up(request)
        return answer

    return handle_as_current


async def _catch_up(request: DeferredRequest) -> None:
    await composition_of(request.scope).require(CatchUp).run()
