"""The header `Idempotency-Key`: one definition for every route that takes it, so that all take the same keys."""

from typing import Annotated

from fastapi import Header

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="A random text of your own for this request, like a UUID. If you don't get the answer, send the "
        "request again with the same key: the operation says for how long, and what the answer is then.",
    ),
]
"""A parameter of an endpoint; give it the default None."""
