"""FastAPI with Beanie as its documentation shows it: documents, dependencies, a response model, one query each."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
from beanie import Document, init_beanie  # type: ignore[import-not-found,unused-ignore]
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from pymongo import AsyncMongoClient


def _an_id() -> str:
    return os.urandom(12).hex()


class User(Document):  # type: ignore[misc,unused-ignore]
    """An account."""

    id: str
    active: bool

    class Settings:
        name = "users"


class Participant(BaseModel):
    """Somebody who takes part."""

    user_id: str


class Interview(Document):  # type: ignore[misc,unused-ignore]
    """A stored interview."""

    id: str = Field(default_factory=_an_id)
    title: str
    interview_type: str
    description: str | None = None
    status: str = "scheduled"
    scheduled_at: datetime
    duration_minutes: int = 60
    ends_at: datetime
    time_zone: str = "UTC"
    location: str | None = None
    created_by: str
    created_at: datetime
    updated_at: datetime
    participants: list[Participant] = Field(default_factory=list)

    class Settings:
        name = "interviews"


class Shown(BaseModel):
    """An interview in an answer."""

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


class Page(BaseModel):
    """A page of interviews."""

    items: list[Shown]
    total: int


class InterviewCreate(BaseModel):
    """A new interview."""

    title: str
    interview_type: str
    scheduled_at: datetime


@asynccontextmanager
async def _database(_app: FastAPI) -> AsyncIterator[None]:
    async with AsyncMongoClient[dict[str, Any]](os.environ["BENCH_MONGODB_URI"], tz_aware=True) as client:
        # The indexes are Parley's.
        await init_beanie(client[os.environ["BENCH_DATABASE"]], document_models=[User, Interview], skip_indexes=True)
        yield


app = FastAPI(lifespan=_database, openapi_url=None)
_bearer = HTTPBearer()


async def _user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(_bearer)]) -> User:
    claims = jwt.decode(credentials.credentials, os.environ["BENCH_SECRET"], algorithms=["HS256"])
    user: User | None = await User.get(claims["sub"])
    if user is None or not user.active:
        raise HTTPException(401)
    return user


Caller = Annotated[User, Depends(_user)]


async def _membership(interview_id: str, user: Caller) -> None:
    if not await Interview.find({"_id": interview_id, "participants.user_id": user.id}).exists():
        raise HTTPException(403)


@app.get("/interviews/{interview_id}", response_model=Shown, dependencies=[Depends(_membership)])
async def read(interview_id: str) -> Any:
    """Return one interview."""
    return await Interview.get(interview_id)


@app.get("/interviews", response_model=Page)
async def find(user: Caller, status: str, limit: int = 20) -> Any:
    """Return the caller's interviews of a status, newest first."""
    found = Interview.find({"participants.user_id": user.id, "status": status})
    return {"items": await found.sort("-created_at").limit(limit).to_list(), "total": await found.count()}


@app.post("/interviews", response_model=Shown, status_code=201)
async def create(user: Caller, body: InterviewCreate) -> Any:
    """Create an interview."""
    now = datetime.now(UTC)
    new = Interview(**body.model_dump(), ends_at=body.scheduled_at, created_by=user.id, created_at=now, updated_at=now)
    return await new.insert()
