"""Accounts: registering, reading and changing them."""
