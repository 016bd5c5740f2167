"""The people who take part in an interview."""
