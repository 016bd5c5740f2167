"""A conditional update and nothing else, behind the guard of Parley's own PATCH: what a change costs at least.

It changes copies of the interviews that are patched, with the indexes by which interviews are listed and found.

uvicorn --factory benchmarks.bare:create_app
"""

from datetime import UTC, datetime
from importlib.metadata import entry_points
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from pymongo import ReturnDocument

from benchmarks.changes import BARE
from parley_auth import Guard, ScopedAccess
from parley_core import CollectionIndexes, Database, Parley, Router, hookimpl, provided
from parley_interviews.indexes import INDEXES, INTERVIEWS

router = Router(prefix="/interviews/{interview_id}/bare", tag="bare")


class Change(BaseModel):
    """A change of a description."""

    description: str


class Changed(BaseModel):
    """A changed interview."""

    id: str
    title: str
    interview_type: str
    description: str
    status: str
    scheduled_at: datetime
    ends_at: datetime
    updated_at: datetime
    rev: int


class BareUpdates:
    """Changes documents; records and invalidates nothing."""

    def __init__(self, database: Database) -> None:
        self._documents = database[BARE]

    async def change(self, interview_id: str, description: str) -> dict[str, Any] | None:
        """Change a document if it is still open; return it, or None."""
        where = {"_id": interview_id, "status": {"$in": ["ongoing", "scheduled"]}}
        change = {"$set": {"description": description, "updated_at": datetime.now(UTC)}, "$inc": {"rev": 1}}
        return await self._documents.find_one_and_update(
            where, change, projection={"participants": False}, return_document=ReturnDocument.AFTER
        )


# 201, since what records nothing and answers 200 waits until everything that others have written is published.
@router.patch("", summary="Change an interview without history", status_code=201)
async def change_bare(
    access: Annotated[ScopedAccess, Depends(Guard("interviews:update"))],
    body: Change,
    updates: Annotated[BareUpdates, Depends(provided(BareUpdates))],
) -> Changed:
    """Change the document and return it."""
    found = await updates.change(access.resource.id, body.description)
    assert found is not None
    return Changed.model_validate({**found, "id": found["_id"]})


class Bare:
    """The plugin of this route."""

    @hookimpl
    def parley_routers(self) -> list[Router]:
        """Return the router."""
        return [router]

    @hookimpl
    def parley_indexes(self) -> list[CollectionIndexes]:
        """Return the collection with the indexes of interviews."""
        [indexes] = [one.indexes for one in INDEXES if one.collection == INTERVIEWS]
        return [CollectionIndexes(BARE, indexes)]

    @hookimpl
    def parley_services(self, parley: Parley) -> list[object]:
        """Return what changes the documents."""
        return [BareUpdates(parley.database)]


def create_app() -> FastAPI:
    """Return Parley with all installed plugins and this one."""
    installed = [found.load() for found in entry_points(group="parley")]
    parley = Parley(plugins=[*installed, Bare()])
    app = FastAPI(lifespan=parley.lifespan, openapi_url=None)
    parley.mount(app, owns_app=True)
    return app
