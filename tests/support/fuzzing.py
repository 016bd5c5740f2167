"""Schemathesis in this process: requests made of the OpenAPI document, sent as one caller, and what its checks find."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import Interaction, ScenarioRecorder

from parley_core.testing.documented import Documented

EXCLUDED = {
    "stream_events": "its answer has no end",
    "stream_messages": "the same",
    "create_webhook": "events would be sent to the hosts that are made up",
    "update_webhook": "the same",
    "log_out": "it would end the session that all others need",
    "log_out_everywhere": "the same",
}
"""Operation -> why no made-up request of it is sent; the corpus sends some of each."""
# Refusals of business rules are 400 here; what is valid is compared with the document in tests/clients.
_CHECKS = {"positive_data_acceptance": {"enabled": False}}
_ALLOWED = {
    "not matching the 'date-time' format": "ISO 8601 has more spellings than RFC 3339, and all are read",
    "/v1/calendar/feeds/{token}.ics": "such an address is also one of /v1/calendar/feeds/{feed_id}, which has DELETE",
}
"""What the text of a failure contains -> why it isn't one."""
_BY_METHOD = {"ST204", "ST205"}


@dataclass
class Found:
    """What a run has sent and found."""

    cases: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    faults: dict[str, None] = field(default_factory=dict)

    def add(self, other: "Found") -> None:
        """Add what another run has sent and found."""
        self.cases += other.cases
        self.faults |= other.faults
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count


@dataclass(frozen=True, kw_only=True)
class Fuzzer:
    """Makes requests of a document and sends them to a server.

    Args:
        url: the server's.
        document: its OpenAPI document.
        ids: values of parameters in paths, of things that exist.
        seed: what the choices begin with.
    """

    url: str
    document: dict[str, Any]
    ids: Mapping[str, str]
    seed: int

    def run(self, headers: Mapping[str, str], operations: Iterable[str], examples: int) -> Found:
        """Send requests of these operations as a caller, those at the edges of each schema and some at random.

        Args:
            headers: of each request.
            operations: their ids.
            examples: how many requests at random there are of each operation, at most.
        """
        schema = schemathesis.openapi.from_dict(self.document, config=self._config(dict(headers), examples))
        found, documented = Found(), Documented(self.document)
        # Whatever was made up for these, the requests have the ids of things that exist.
        allowed = (*_ALLOWED, *(f"`{name}` in path" for name in self.ids))
        for event in from_schema(schema.include(operation_id=list(operations))).execute():
            if isinstance(event, events.ScenarioFinished):
                _add(found, event.recorder, documented, allowed)
            elif isinstance(event, events.NonFatalError):
                found.faults[f"{event.label}: {event.value!r}"] = None
            elif isinstance(event, events.FatalError):
                raise event.exception
        return found

    def _config(self, headers: dict[str, str], examples: int) -> SchemathesisConfig:
        return SchemathesisConfig.from_dict(
            {
                "seed": self.seed,
                "base-url": self.url,
                "headers": headers,
                "continue-on-failure": True,
                "request-timeout": 10,
                "parameters": {f"path.{name}": value for name, value in self.ids.items()},
                "generation": {"max-examples": examples, "database": "none"},
                "checks": _CHECKS,
                "phases": {"stateful": {"enabled": False}},
            }
        )


def _add(found: Found, recorder: ScenarioRecorder, documented: Documented, allowed: Iterable[str]) -> None:
    for case_id, exchange in recorder.interactions.items():
        found.cases += 1
        found.faults |= dict.fromkeys(f"{_shown(exchange)}: {fault}" for fault in _faults(exchange, documented))
        for check in recorder.checks.get(case_id, ()):
            failure = check.failure_info and check.failure_info.failure
            if failure and not any(text in f"{failure.operation} {failure}" for text in allowed):
                found.faults[f"{_shown(exchange)}: {failure}"] = None
        if exchange.response:
            status = exchange.response.status_code
            found.statuses[status] = found.statuses.get(status, 0) + 1


def _faults(exchange: Interaction, documented: Documented) -> Iterator[str]:
    """Yield what the document lacks of an answer; Schemathesis compares no headers with those that it names."""
    if exchange.response is None:
        yield "no answer"
        return
    headers = [(name, value) for name, values in exchange.response.headers.items() for value in values]
    request = httpx.Request(exchange.request.method, exchange.request.uri)
    yield from documented.missing(httpx.Response(exchange.response.status_code, headers=headers, request=request))


def _shown(exchange: Interaction) -> str:
    request = exchange.request
    headers = {name: value for name, value in request.headers.items() if name != "Authorization"}
    return f"{request.method} {request.uri} {headers} {(request.body or b'')[:500]!r}"
