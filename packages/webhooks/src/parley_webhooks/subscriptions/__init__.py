"""Webhooks as administrators see and change them."""
