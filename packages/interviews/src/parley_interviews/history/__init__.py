"""What happened to an interview."""
