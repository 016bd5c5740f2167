"""The indexes of `interviews`: one for each documented filter, each ending in the default order."""

from pymongo import IndexModel

from parley_core import CollectionIndexes

INTERVIEWS = "interviews"
TOTALS = "interview_totals"
AGENDAS = "agendas"
ATTENDANCES = "attendances"
CLAIMS = "interview_claims"

TITLE_KEY = "title_key"
"""The field by which titles are sorted."""
TITLE_WORDS = "title_words"
"""The field by which the filter `q` finds an interview."""

WORDS_NEWEST = "words_newest"
"""The index of this field."""

PARTICIPANT_SCHEDULE = "participant_schedule"
"""The index by which somebody's interviews in a span are found."""

_NEWEST = [("created_at", -1), ("_id", -1)]

INDEXES = [
    CollectionIndexes(
        INTERVIEWS,
        (
            IndexModel(_NEWEST, name="newest"),
            IndexModel([("participants.user_id", 1), *_NEWEST], name="participant_newest"),
            IndexModel([("participants.user_id", 1), ("scheduled_at", 1), ("_id", 1)], name=PARTICIPANT_SCHEDULE),
            IndexModel([("participants.user_id", 1), ("updated_at", 1), ("_id", 1)], name="participant_updates"),
            IndexModel([("status", 1), *_NEWEST], name="status_newest"),
            IndexModel([("interview_type", 1), *_NEWEST], name="type_newest"),
            IndexModel([(TITLE_WORDS, 1), *_NEWEST], name=WORDS_NEWEST),
            IndexModel([("scheduled_at", 1), ("_id", 1)], name="schedule"),
            IndexModel([("updated_at", 1), ("_id", 1)], name="updates"),
            IndexModel([(TITLE_KEY, 1), ("_id", 1)], name=TITLE_KEY),
            IndexModel(
                [("external_id", 1), *_NEWEST],
                name="external_id_newest",
                partialFilterExpression={"external_id": {"$gt": ""}},
            ),
        ),
        recorded=True,
    ),
    CollectionIndexes(TOTALS, ()),
    CollectionIndexes(AGENDAS, ()),
    CollectionIndexes(ATTENDANCES, (), recorded=True),
    CollectionIndexes(CLAIMS, (IndexModel("expires_at", name="forget", expireAfterSeconds=0),)),
]

INDEX_OF_SORT = {
    "created_at": "newest",
    "updated_at": "updates",
    "scheduled_at": "schedule",
    TITLE_KEY: TITLE_KEY,
    "status": "status_newest",
}
"""The index for an unfiltered list that is sorted by several keys; the query planner would use none by itself."""
