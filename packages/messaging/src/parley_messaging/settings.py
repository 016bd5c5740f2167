"""The settings of messaging."""

from typing import Annotated

from pydantic import AfterValidator, Field

from parley_core import Settings
from parley_messaging.models import MAX_LENGTH

# A character takes up to four bytes.
_LARGEST_MESSAGE = 4 * MAX_LENGTH


def _fits_a_message(size: int) -> int:
    if 0 < size < _LARGEST_MESSAGE:
        raise ValueError(f"must be 0 for no limit, or at least {_LARGEST_MESSAGE}, which one message can take")
    return size


class MessagingSettings(Settings):
    """How much one user may post, and how much may wait to be stored."""

    messages_per_minute: int = Field(
        30_000, ge=0, le=10**9, description="Messages of one user per minute and worker; 0 for no limit."
    )
    message_bytes_per_minute: Annotated[int, AfterValidator(_fits_a_message)] = Field(
        16 * 1024**2,
        ge=0,
        le=2**40,
        description="Bytes of one user's messages per minute and worker, at least 32000; 0 for no limit.",
    )
    messages_waiting: int = Field(
        2048, ge=1, le=1_000_000, description="Messages of one log that may wait in a worker to be stored."
    )
