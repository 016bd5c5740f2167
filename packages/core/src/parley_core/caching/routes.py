"""Routes whose answers are kept: each request passes its own guard, then a kept answer is used while it is current.

A hit skips FastAPI's solving of dependencies and the encoding; a miss is answered by the very route that would
answer without a cache, so that documentation, errors and start-up checks are the same code.
"""

import hashlib
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from parley_core.caching.store import Answer, ReadCache
from parley_core.caching.totals import state_of_data
from parley_core.data.deadline import time_limit
from parley_core.data.turns import Turn
from parley_core.http.absolute import parts_of, with_beginnings
from parley_core.http.entity_tags import EntityTags
from parley_core.http.gates import gates_of
from parley_core.http.requests import ADMITTED, Composition, added_dependencies, composition_of
from parley_core.http.routing import ParleyRoute
from parley_core.http.sent_headers import CACHE_STATUS, ETAG, VARY

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])
_OK = 200
_HIT, _MISS, _BYPASS = (
    (b"cache-status", status) for status in (b"parley; hit", b"parley; fwd=miss", b"parley; fwd=bypass")
)
# A browser may keep the answer, but asks before it uses it: access is checked anew each time.
_POLICY = ((b"cache-control", b"private, no-cache"), (b"vary", b"Authorization"))


@dataclass(frozen=True, kw_only=True)
class CachedRead:
    """How the answers of one route are kept. Path and query string are part of every key, byte for byte.

    Args:
        viewer: the part of the gate's result that the answer depends on too: those who share it see the same bytes.
        validator: a value for the state of the data now; it must differ after every write that changes the answer,
            and must be read before the answer's data.
        is_final: whether the answer to a request never changes again, decided by the validator that it was made
            under; None when that is never so.
        final_with: the query parameter without which no answer is final.
        ahead: begins the point reads that `validator` waits for, given the composition, the caller's id and the path's
            parameters, so that they are under way while the gate waits for its own; None where there are none, or
            where they depend on the gate's result. The caller isn't admitted yet.
    """

    viewer: Callable[[Any], Hashable]
    validator: Callable[[Composition, Any], Awaitable[Hashable]]
    is_final: Callable[[Request, Any], bool] | None = None
    final_with: str = ""
    ahead: Callable[[Composition, str, Mapping[str, Any]], None] | None = None


def cached(read: CachedRead) -> Callable[[AnyFunction], AnyFunction]:
    """Declare that the answers of an endpoint, which must have one gate, are kept."""

    def declare(function: AnyFunction) -> AnyFunction:
        function.cached_read = read  # type: ignore[attr-defined]
        function.route_class = CachedRoute  # type: ignore[attr-defined]
        return function

    return declare


class CachedRoute(ParleyRoute):
    """The route of an endpoint that was declared with `cached`."""

    knows_entity_tags = True
    completes_links = False
    sent_headers = (ETAG, CACHE_STATUS, VARY)

    def __init__(self, path: str, endpoint: Callable[..., Awaitable[Any]], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._read: CachedRead = endpoint.cached_read  # type: ignore[attr-defined]
        self._final_with = self._read.final_with.encode()
        gates = list(gates_of(self.dependant))
        if len(gates) != 1 or self.methods != {"GET"}:
            raise TypeError(f"the cached route {path} must be a GET with one guard")
        self._gate = gates[0]

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await super().handle(scope, receive, send)
            return
        composition = composition_of(scope)
        cache = composition.require(ReadCache)
        with time_limit(composition.request_timeout_seconds):
            if cache.enabled and _is_alone(scope):
                answer, status = await self._current(composition, scope, receive)
            else:
                answer, status = await self._made(scope, receive), _BYPASS
            is_shown = cache.shown_to == "all" or (cache.shown_to == "admins" and self._is_insider(scope))
            await _send(answer, composition, status if is_shown else None, scope, send)

    def _is_insider(self, scope: Scope) -> bool:
        gate, access = scope.get(ADMITTED, (None, None))
        return gate is self._gate and self._gate.sees_inside(access)

    async def _current(
        self, composition: Composition, scope: Scope, receive: Receive
    ) -> tuple[Answer, tuple[bytes, bytes]]:
        cache = composition.require(ReadCache)
        may_be_final = bool(self._read.is_final) and self._final_with in scope["query_string"]
        with Turn(self._begins(composition, scope, may_be_final=may_be_final)):
            access = await self._gate.admit(HTTPConnection(scope))
            scope[ADMITTED] = self._gate, access
            # The query as it was spelt: the next page's address repeats it.
            target = scope["path"], scope.get("root_path", ""), scope["query_string"], self._read.viewer(access)
            if may_be_final and (final := cache.find((target, _FINAL))):
                return final, _HIT
            validator = await self._read.validator(composition, access)
        if found := cache.find((target, validator)):
            return found, _HIT

        async def work() -> Answer:
            # In a task of its own, which ends with this answer.
            state_of_data.set(validator)
            answer = await self._made(scope, receive)
            if answer.status == _OK:
                is_final = may_be_final and self._read.is_final and self._read.is_final(Request(scope), validator)
                size = len(scope["path"]) + len(scope["query_string"])
                cache.keep((target, _FINAL if is_final else validator), answer, key_bytes=size)
            return answer

        answer, is_own = await cache.load((target, validator), work)
        # Another request's error carries that request's id, and may not apply to this one.
        if answer is None or (answer.status != _OK and not is_own):
            return await self._made(scope, receive), _MISS
        return answer, _MISS

    def _begins(self, composition: Composition, scope: Scope, *, may_be_final: bool) -> Callable[[str], None] | None:
        """Return what begins the validator's reads, unless the answer may do without a validator."""
        if self._read.ahead is None or may_be_final:
            return None
        ahead, path_params = self._read.ahead, scope["path_params"]
        return lambda caller_id: ahead(composition, caller_id, path_params)

    async def _made(self, scope: Scope, receive: Receive) -> Answer:
        """Return the answer of the route without a cache."""
        sent = _Captured()
        await super().handle(scope, receive, sent)
        return sent.answer()


def has_cached_routes(router: APIRouter) -> bool:
    """Return whether a router has cached routes: those are asked most, so their routers are tried first."""
    return any(isinstance(route, CachedRoute) for route in router.routes)


class _Final:
    """Takes the place of the validator for what never changes again."""


_FINAL = _Final()


class _Captured:
    """A `send` that keeps what is sent."""

    def __init__(self) -> None:
        self._start: Message = {}
        self._body: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._body.append(message.get("body", b""))

    def answer(self) -> Answer:
        """Return what was sent; a 200 also gets an entity tag and how others may keep it."""
        status, headers, body = self._start["status"], tuple(self._start["headers"]), b"".join(self._body)
        if status != _OK:
            return Answer(status, headers, body, b"")
        etag = next((value for name, value in headers if name == b"etag"), b"")
        if not etag:
            etag = b'"' + hashlib.blake2b(body, digest_size=16).hexdigest().encode() + b'"'
            headers = (*headers, (b"etag", etag))
        link = next((value for name, value in headers if name == b"link"), b"")
        kept = tuple(header for header in headers if header[0] != b"link")
        return Answer(status, (*kept, *_POLICY), body, etag, parts_of(link) if link else ())


async def _send(
    answer: Answer, composition: Composition, cache_status: tuple[bytes, bytes] | None, scope: Scope, send: Send
) -> None:
    status, headers, body = answer.status, [*answer.headers], answer.body
    if status == _OK:
        if answer.links:
            headers.append((b"link", with_beginnings(answer.links, composition, scope)))
        if cache_status:
            headers.append(cache_status)
        if _is_known(answer.etag, scope):
            status, body = 304, b""
            headers = [header for header in headers if header[0] not in {b"content-type", b"content-length"}]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _is_known(etag: bytes, scope: Scope) -> bool:
    """Return whether `If-None-Match` names the entity tag (RFC 9110, 13.1.2)."""
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match"]
    return bool(given) and EntityTags.of(given).has(etag.decode("latin-1"))


def _is_alone(scope: Scope) -> bool:
    """Return whether nothing but the gate decides: a host's own dependencies or overrides can't be skipped."""
    return not added_dependencies(scope) and not getattr(scope["app"], "dependency_overrides", None)
