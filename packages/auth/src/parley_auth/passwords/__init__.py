"""Passwords: hashing, checking, throttling."""
