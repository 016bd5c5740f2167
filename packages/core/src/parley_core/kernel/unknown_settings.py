"""Variables that look like settings and are none: each is warned of, with the setting that was probably meant."""

import difflib
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from pydantic_settings import BaseSettings

from parley_core.kernel.named_files import environment
from parley_core.kernel.settings import PREFIX, env_name
from parley_core.log_lines import LogLine

# Kubernetes puts these into every pod of a namespace with services called "parley", "parley-api" and the like.
_OF_KUBERNETES = re.compile(
    rf"{PREFIX}(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_ADDRESS = re.compile(r"(tcp|udp|sctp)://")
_BEGINNING, _SHORT = 4, 5
_log = logging.getLogger("parley.settings")


def unknown_settings(classes: Collection[type[BaseSettings]]) -> Iterator[tuple[str, str]]:
    """Yield each PARLEY_ variable that no setting reads, with what to do: the name that was meant if that is clear."""
    known = set(_names(classes))
    meant = {name: right for cls in classes for name, right in getattr(cls, "mistaken_names", {}).items()}
    variables = environment()
    for name in sorted(variables.keys() - known):
        if name.startswith(PREFIX) and (advice := _advice(name, known, meant, variables)):
            yield name, advice


def warn_of(unknown: Iterable[tuple[str, str]]) -> None:
    """Log each of them."""
    for name, advice in unknown:
        text = "{setting} is set but no setting has that name; {advice}"
        _log.warning(LogLine("setting_unknown", text, setting=name, advice=advice))


def _names(classes: Iterable[type[BaseSettings]]) -> Iterator[str]:
    for name in (env_name(field) for cls in classes for field in cls.model_fields):
        yield from (name, f"{name}_FILE")


def _advice(name: str, known: Collection[str], meant: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """Return what to do about a variable; None where nobody but Kubernetes set it and nothing is missing."""
    is_injected = bool(_OF_KUBERNETES.fullmatch(name) or (name.endswith("_PORT") and _ADDRESS.match(variables[name])))
    right = meant.get(name)
    if is_injected:
        is_missed = right is not None and right not in variables
        return f"Kubernetes sets it for a service; the setting is {right}" if is_missed else None
    right = right or nearest(name, known)
    return f"did you mean {right}?" if right else "all settings are in the table of docs/deploying.md"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the setting that a misspelt name was probably meant to be; None where none is near.

    Word by word a near one is the same but for a letter or two, and one of several words may be missing or superfluous.
    """
    near = [setting for setting in sorted(known) if _is_near(name, setting)]
    return max(near, key=lambda setting: difflib.SequenceMatcher(None, name, setting).ratio(), default=None)


def _is_near(name: str, setting: str) -> bool:
    given, wanted = (text.removeprefix(PREFIX).split("_") for text in (name, setting))
    if _edits("".join(given), "".join(wanted)) <= 1:
        return True
    shorter, longer = sorted((given, wanted), key=len)
    if len(shorter) == len(longer):
        return all(map(_are_near, shorter, longer))
    # The first word says what a setting is about.
    shortened = (longer[:at] + longer[at + 1 :] for at in range(1, len(longer)))
    return len(shorter) > 1 and any(
        len(words) == len(shorter) and all(map(_are_near, shorter, words)) for words in shortened
    )


def _are_near(one: str, other: str) -> bool:
    """Return whether two words begin alike, or differ in one letter, long ones in two."""
    shorter, longer = sorted((one, other), key=len)
    begins_alike = len(shorter) >= _BEGINNING - 1 and longer.startswith(shorter[:_BEGINNING])
    return begins_alike or _edits(one, other) <= 1 + (len(longer) > _SHORT)


def _edits(one: str, other: str) -> int:
    """Return how many letters have to be changed, added or left out to make one word of the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for letter in one:
        diagonal, row[0] = row[0], row[0] + 1
        for at, present in enumerate(other, 1):
            diagonal, row[at] = row[at], min(diagonal + (letter != present), row[at] + 1, row[at - 1] + 1)
    return row[-1]
