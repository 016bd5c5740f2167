"""What an application gets beside the routers: errors as problems, the OpenAPI document, headers and a log line."""

from collections.abc import Callable

from fastapi import FastAPI, Request

from parley_core.http.access import ProbeAnswers
from parley_core.http.openapi import install_openapi
from parley_core.http.problems import install_handlers
from parley_core.http.requests import RequestLog
from parley_core.http.sent_headers import TRANSPORT_SECURITY
from parley_core.http.spans import PathIsTemplate
from parley_core.telemetry import is_traced


def install(
    app: FastAPI,
    *,
    answers_for: Callable[[Request], bool] | None,
    ensure_verified: Callable[[], None],
    hsts_seconds: int,
    probes: ProbeAnswers,
) -> None:
    """Install all of it.

    Args:
        app: the application.
        answers_for: whether a request's error is Parley's to answer; None where every one is.
        ensure_verified: called before the document is made.
        hsts_seconds: how long browsers are to use https alone; 0 says nothing about it.
        probes: what the probes were answered.
    """
    install_handlers(app, answers_for or (lambda _: True))
    install_openapi(app, ensure_verified, more_headers=[TRANSPORT_SECURITY] if hsts_seconds else [])
    app.add_middleware(
        RequestLog,
        answers_for=answers_for and (lambda scope: answers_for(Request(scope))),
        hsts_seconds=hsts_seconds,
        probes=probes,
    )
    if is_traced():
        app.add_middleware(PathIsTemplate)
