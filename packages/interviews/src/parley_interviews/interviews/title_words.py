"""By what an interview is found and sorted: the words of its title, their beginnings, and its folded title."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from parley_core import Database, Document
from parley_core.data.stored_words import StoredWords
from parley_core.words import SPELLING, folded, sought_words, words_to_store
from parley_interviews.indexes import INTERVIEWS, TITLE_KEY, TITLE_WORDS, WORDS_NEWEST
from parley_interviews.models import UNKNOWN_TIME
from parley_interviews.policy import end_of

# Rare words are longer. Those are found by so many letters, and by the whole word.
_LONGEST = 16
# No word begins with it, so that a whole word is no beginning of one.
_WHOLE = "="


class TitleWords(StoredWords):
    """The stored words of all interviews."""

    def __init__(self, database: Database) -> None:
        super().__init__(
            database[INTERVIEWS],
            field=TITLE_WORDS,
            index=WORDS_NEWEST,
            made_of=["title", "ends_at", "updated_at", "scheduled_at", "duration_minutes", "created_at"],
            derive=_derived,
        )


def found_by(title: str) -> Document:
    """Return what is stored beside a title: by what it is found, and by what it is sorted."""
    return {TITLE_WORDS: title_words(title), TITLE_KEY: folded(title) or title}


def title_words(title: str) -> list[str]:
    """Return what is stored as `title_words` of an interview with this title.

    Each word stands there as a whole and by its beginnings of 2 to 16 letters, its own length included: a list of what
    one beginning finds is then one range of the index, in the list's order. There are never more than two for each
    character of the folded title.
    """
    return list(dict.fromkeys([*(term for word in words_to_store(title) for term in _terms(word)), SPELLING]))


def sought(text: str, *, whole: bool = True) -> Sequence[str]:
    """Return what a title's stored words must all contain, so that `text` finds it.

    Args:
        text: words, of which the last one may be the beginning of one.
        whole: whether the others must be whole words; as beginnings they also find the words of an earlier release.
    """
    *others, last = sought_words(text)
    return [*(_whole(word) if whole else word[:_LONGEST] for word in others), last[:_LONGEST]]


def _derived(document: Mapping[str, Any]) -> Document:
    """Return what the list needs of a document of an earlier release, which may lack some of it."""
    scheduled_at, created_at = document.get("scheduled_at", UNKNOWN_TIME), document.get("created_at", UNKNOWN_TIME)
    return {
        **found_by(document.get("title", "")),
        "ends_at": document.get("ends_at") or end_of(scheduled_at, document.get("duration_minutes", 60)),
        "updated_at": document.get("updated_at", created_at),
    }


def _terms(word: str) -> Iterator[str]:
    yield _whole(word)
    for length in range(min(2, len(word)), min(len(word), _LONGEST) + 1):
        yield word[:length]


def _whole(word: str) -> str:
    return word if len(word) == 1 else _WHOLE + word
