"""Signed webhook deliveries out of the log of all changes."""
