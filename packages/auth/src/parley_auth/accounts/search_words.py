"""Under what an account is found: the words of its name, and its e-mail from the start."""

from collections.abc import Sequence

from parley_auth.indexes import SEARCH_WORDS, USERS
from parley_core import Database
from parley_core.data.stored_words import StoredWords
from parley_core.words import SPELLING, folded, sought_words, words_to_store

# No word begins with it, so that an e-mail is no word of a name.
_EMAIL = "@"


class SearchWords(StoredWords):
    """The stored words of all accounts."""

    def __init__(self, database: Database) -> None:
        super().__init__(
            database[USERS],
            field=SEARCH_WORDS,
            index=SEARCH_WORDS,
            made_of=["name", "email"],
            derive=lambda document: {SEARCH_WORDS: search_words(document.get("name"), document["email"])},
        )


def search_words(name: str | None, email: str) -> list[str]:
    """Return what is stored as `search_words` of an account with this name and this normalised e-mail."""
    return [*words_to_store(name or ""), _EMAIL + folded(email), SPELLING]


def sought(text: str) -> Sequence[Sequence[str]]:
    """Return what `text` finds accounts by: alternatives, of each of which all are the starts of search words.

    Each word of the text must be the start of a word of the name. A text without spaces also finds the e-mails that
    begin with it, and with an `@` in it nothing else.
    """
    words, parts = sought_words(text), folded(text).split()
    if len(parts) != 1:
        return [words]
    email = [_EMAIL + parts[0]]
    return [email] if "@" in parts[0] else [words, email]
