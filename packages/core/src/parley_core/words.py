"""The words of a text, as filters compare them."""

import re
import unicodedata


def folded(text: str) -> str:
    """Return a text in the spelling under which it is compared: one Unicode form (NFKC), case folded."""
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(text: str) -> list[str]:
    """Return the words of a text in the spelling of `folded`, each once, in order."""
    return list(dict.fromkeys(re.findall(r"\w+", folded(text))))
