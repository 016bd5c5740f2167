"""The baselines, on the same server as Parley: `bare` (ASGI), `fastapi` (ready bytes) and `naive`.

`naive` is the usual way: FastAPI's dependencies, PyJWT, PyMongo, a response model, and one query each for the user, for
their participation in the interview, and for the data.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from pymongo import AsyncMongoClient
from starlette.types import Receive, Scope, Send

from benchmarks.data import BODY, SECRET


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without a framework (U)."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


fastapi = FastAPI(openapi_url=None)


@fastapi.get("/ready/{thing_id}")
async def ready(thing_id: str) -> Response:  # noqa: ARG001 - a path parameter, as the others have one
    """Return ready bytes through FastAPI (F)."""
    return Response(BODY, media_type="application/json")


class Interview(BaseModel):
    """An interview in an answer of `naive`."""

    id: str
    title: str
    interview_type: str
    description: str | None
    status: str
    scheduled_at: datetime
    duration_minutes: int
    ends_at: datetime
    time_zone: str
    location: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime


class InterviewCreate(BaseModel):
    """A new interview."""

    title: str
    interview_type: str
    scheduled_at: datetime


class Page(BaseModel):
    """A page of interviews."""

    items: list[Interview]
    total: int


@asynccontextmanager
async def _database(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncMongoClient[dict[str, Any]](os.environ["BENCH_MONGODB_URI"], tz_aware=True) as client:
        app.state.database = client[os.environ["BENCH_DATABASE"]]
        yield


naive = FastAPI(lifespan=_database, openapi_url=None)
_bearer = HTTPBearer()


async def _user(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials, Depends(_bearer)]
) -> dict[str, Any]:
    claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"], options={"verify_aud": False})
    user: dict[str, Any] | None = await request.app.state.database["users"].find_one({"_id": claims["sub"]})
    if user is None or not user["active"]:
        raise HTTPException(401)
    return user


User = Annotated[dict[str, Any], Depends(_user)]


async def _membership(request: Request, interview_id: str, user: User) -> None:
    mine = {"_id": interview_id, "participants.user_id": user["_id"]}
    if await request.app.state.database["interviews"].find_one(mine, {"_id": True}) is None:
        raise HTTPException(403)


@naive.get("/interviews/{interview_id}", dependencies=[Depends(_membership)])
async def read(request: Request, interview_id: str) -> Interview:
    """Return one interview."""
    return _shown(await request.app.state.database["interviews"].find_one({"_id": interview_id}))


@naive.get("/interviews")
async def find(request: Request, user: User, status: str, limit: int = 20) -> Page:
    """Return the caller's interviews of a status, newest first."""
    where = {"participants.user_id": user["_id"], "status": status}
    interviews = request.app.state.database["interviews"]
    found = await interviews.find(where).sort("created_at", -1).limit(limit).to_list()
    return Page(items=[_shown(document) for document in found], total=await interviews.count_documents(where))


@naive.post("/interviews", status_code=201)
async def create(request: Request, user: User, body: InterviewCreate) -> Interview:
    """Create an interview."""
    now = datetime.now(UTC)
    document = body.model_dump() | {
        "_id": os.urandom(12).hex(),
        "description": None,
        "status": "scheduled",
        "duration_minutes": 60,
        "ends_at": body.scheduled_at,
        "time_zone": "UTC",
        "location": None,
        "created_by": user["_id"],
        "created_at": now,
        "updated_at": now,
        "participants": [],
    }
    await request.app.state.database["interviews"].insert_one(document)
    return _shown(document)


def _shown(document: dict[str, Any]) -> Interview:
    return Interview(id=document["_id"], **{name: document[name] for name in Interview.model_fields if name != "id"})
