"""Delivering what the log contains, by itself and on request."""
