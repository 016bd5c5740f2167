"""What the lifespan leaves behind."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Chat


async def test_signal_handlers(chat: Chat) -> None:
    """An application that stops leaves the handlers of signals as they were."""
    before = signal.getsignal(signal.SIGINT)
    async with chat.another_worker():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
