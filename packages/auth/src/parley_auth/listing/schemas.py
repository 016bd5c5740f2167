"""What goes over the wire about the list of accounts."""

from pydantic import Field

from parley_auth.accounts.schemas import RoleName
from parley_auth.models import AccountState
from parley_core.http.pagination import CursorQuery
from parley_core.http.patterns import sort_orders
from parley_core.http.schemas import SearchText


class UserQuery(CursorQuery):
    """Filters, sort order and page of the list of accounts."""

    sort: str | None = Field(
        None,
        json_schema_extra=sort_orders("created_at", "email"),
        description="`created_at` or `email`, or both with a comma between; `-` descends. Newest first by default.",
    )
    q: SearchText | None = Field(
        None,
        description="Words of the name, each from its start: `ada love` finds Ada Lovelace. Without a space it also "
        "finds the e-mails that begin with it, and with an `@` only those. Case, accents and apostrophes don't matter. "
        "Chinese, Japanese, Korean and other scripts without spaces are searched by character, wherever each stands. "
        "Of a longer text the first ten words count.",
    )
    role: RoleName | None = None
    active: bool | None = Field(None, description="Whether the account is active: not deactivated.")
    state: AccountState | None = Field(
        None,
        description="`invited`: no password has been set yet; `deactivated`: by an administrator, whether it was "
        "invited or not; `active`: neither.",
    )
