"""API keys: what programs call with, each with the actions that an administrator gave it."""
