"""Who may see which word: each title, note, message, reason and e-mail address of a run is a word of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from model.states import ADMIN, OUTSIDER, Account, Interview, permits


@dataclass
class Secrets:
    """The words of a run, by what they are part of.

    Args:
        emails: word -> the id of the account.
        titles, notes, messages: word -> the id of the interview.
    """

    emails: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    def leaks(
        self, text: str, viewer_id: str, viewer: Account | None, interviews: Mapping[str, Interview]
    ) -> Iterator[str]:
        """Yield the words of an answer that its receiver may not see; without an account they may see none."""
        role = viewer.role if viewer and viewer.active else ""

        def may(action: str, interview_id: str) -> bool:
            return permits(action, role, interviews[interview_id].relation(viewer_id))

        for action, words in (("read", self.titles), ("conduct", self.notes), ("talk", self.messages)):
            yield from (word for word, one in words.items() if word in text and not may(action, one))
        for word, owner in self.emails.items():
            if word in text and owner != viewer_id and not self._sees_email(viewer_id, role, owner, interviews):
                yield word

    def _sees_email(self, viewer_id: str, role: str, owner: str, interviews: Mapping[str, Interview]) -> bool:
        if role == ADMIN:
            return True
        shared = (one for one in interviews.values() if one.relation(owner) != OUTSIDER)
        return any(permits("conduct", role, one.relation(viewer_id)) for one in shared)
