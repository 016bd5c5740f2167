"""The public keys, for services that verify access tokens themselves (RFC 7517, RFC 8414)."""

from typing import Annotated

from fastapi import Depends, Response
from pydantic import BaseModel, ConfigDict

from parley_auth.signing.key_ring import KeyRing
from parley_core import Router, provided

router = Router(prefix="/.well-known", tag="auth", versioned=False)


class KeySet(BaseModel):
    """A JWK Set; empty when tokens are signed with a shared secret."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"keys": [{"kid": "7d1f", "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": "11qYAY..."}]}]
        }
    )

    keys: list[dict[str, str]]


@router.get("/jwks.json", summary="Read the public keys")
async def read_keys(keys: Annotated[KeyRing, Depends(provided(KeyRing))], response: Response) -> KeySet:
    """Return the public parts of the keys that sign access tokens."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return KeySet(keys=[dict(key) for key in keys.public_set()])
