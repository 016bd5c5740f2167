"""The words for what the driver hands around; they stand alone, since every module of this room uses them."""

from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

Document = dict[str, Any]
Session = AsyncClientSession
