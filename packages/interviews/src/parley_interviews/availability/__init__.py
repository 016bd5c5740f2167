"""When people are busy, and which interviews overlap, as whoever may read it sees that."""
