"""python-eve as its documentation shows it: a schema, token authentication, and a hook that limits what users read."""

import os
from typing import Any

import jwt
from eve import Eve  # type: ignore[import-not-found,unused-ignore]
from eve.auth import TokenAuth  # type: ignore[import-not-found,unused-ignore]
from flask import g, request  # type: ignore[import-not-found,unused-ignore]

TEXT = {"type": "string"}
TIME = {"type": "datetime"}
SETTINGS = {
    "MONGO_URI": os.environ["BENCH_MONGODB_URI"],
    "MONGO_DBNAME": os.environ["BENCH_DATABASE"],
    "RESOURCE_METHODS": ["GET", "POST"],
    "ITEM_METHODS": ["GET"],
    "PAGINATION_DEFAULT": 20,
    "DOMAIN": {
        "interviews": {
            "item_url": 'regex("[a-f0-9]{24}")',
            # Eve's own ids are ObjectIds, the users' ids in the documents are strings that look alike.
            "datasource": {"source": "eve_interviews"},
            "query_objectid_as_string": True,
            "schema": {
                **dict.fromkeys(("title", "interview_type", "description", "status", "time_zone", "location"), TEXT),
                **dict.fromkeys(("scheduled_at", "ends_at", "created_at", "updated_at"), TIME),
                "created_by": TEXT,
                "duration_minutes": {"type": "integer"},
            },
        }
    },
}


class ByToken(TokenAuth):  # type: ignore[misc,unused-ignore]
    """Verifies the token and reads the user."""

    def check_auth(self, token: str, *_: Any) -> bool:
        try:
            claims = jwt.decode(token, os.environ["BENCH_SECRET"], algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return False
        user = app.data.driver.db["users"].find_one({"_id": claims["sub"]})
        g.user_id = claims["sub"]
        return bool(user and user["active"])

    def authorized(self, allowed_roles: Any, resource: Any, method: Any) -> bool:
        token = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
        return bool(token) and self.check_auth(token, allowed_roles, resource, method)


def only_own(_request: Any, lookup: dict[str, Any]) -> None:
    """Limit reads to the interviews in which the user takes part."""
    lookup["participants.user_id"] = g.user_id


app = Eve(settings=SETTINGS, auth=ByToken)
app.on_pre_GET_interviews += only_own
