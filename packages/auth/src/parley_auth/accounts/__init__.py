"""Accounts: registration, the own account, user administration, the first administrator."""
