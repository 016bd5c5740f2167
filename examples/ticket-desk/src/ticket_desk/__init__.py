"""A support desk: customers open tickets, and write messages in them with the agent who takes them."""

from ticket_desk.application import create_app

__all__ = ["create_app"]
