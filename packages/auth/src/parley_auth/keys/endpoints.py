"""The routes of API keys."""

from typing import Annotated

from fastapi import Query, Response, status

from parley_auth.errors import KeyNotFound, TooManyKeys
from parley_auth.keys import schemas
from parley_auth.keys.dependencies import KeyCreation, KeyListing, KeyRevocation, KeyServiceDep
from parley_auth.keys.models import ApiKey
from parley_core import Page, PagerDep, Router, raises
from parley_core.errors import InvalidCursor, InvalidId
from parley_core.http.pagination import CursorQuery

router = Router(prefix="/api-keys", tag="api-keys", description="Keys with which programs act as an administrator.")


@router.post("", summary="Create an API key", status_code=status.HTTP_201_CREATED)
@raises(TooManyKeys)
async def create_api_key(
    access: KeyCreation, body: schemas.ApiKeyCreate, keys: KeyServiceDep, response: Response
) -> schemas.IssuedApiKey:
    """Create a key for a program, which acts as you with the actions that the key names. `key` is shown this once."""
    response.headers["Cache-Control"] = "no-store"
    return await keys.create(body, access)


@router.get("", summary="List API keys", response_model=Page[schemas.ApiKey])
@raises(InvalidCursor)
async def list_api_keys(
    _access: KeyListing, query: Annotated[CursorQuery, Query()], keys: KeyServiceDep, pager: PagerDep
) -> Page[ApiKey]:
    """List the keys of all administrators, oldest first, expired ones included."""
    return pager.listing(await keys.page(query), query=query)


@router.delete("/{key_id}", summary="Revoke an API key", status_code=status.HTTP_204_NO_CONTENT)
@raises(InvalidId, KeyNotFound)
async def revoke_api_key(access: KeyRevocation, key_id: str, keys: KeyServiceDep) -> None:
    """Remove a key, whoever created it. Its next request is answered 401."""
    await keys.revoke(key_id, access.actor)
