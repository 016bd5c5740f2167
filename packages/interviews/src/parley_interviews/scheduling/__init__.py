"""When people are busy, and which interviews overlap."""
