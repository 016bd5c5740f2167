"""The route of the history."""

from typing import Annotated

from fastapi import Query

from parley_core import HistoryEntry, Page, PageQuery, PagerDep, Router
from parley_interviews.history import schemas
from parley_interviews.history.dependencies import HistoryRead, InterviewHistoryDep
from parley_interviews.history.presentation import shown_to
from parley_interviews.policy import READ_INTERNAL, lists_all

router = Router(prefix="/interviews/{interview_id}/history", tag="interviews")


@router.get("", summary="Read the history of an interview", response_model=Page[schemas.InterviewHistoryEntry])
async def read_history(
    access: HistoryRead, query: Annotated[PageQuery, Query()], history: InterviewHistoryDep, pager: PagerDep
) -> Page[HistoryEntry]:
    """Return every change, oldest first: who did what, when, from which value to which, and why.

    Candidates read the same entries without reasons and without the ids of others.
    """
    entries, total = await history.page(access.resource.id, limit=query.limit, offset=query.offset)
    with_internals, all_ = access.permits(READ_INTERNAL), lists_all(access)
    shown = [shown_to(access.principal, entry, with_internals=with_internals, lists_all=all_) for entry in entries]
    return pager.page(shown, total=total, query=query)
