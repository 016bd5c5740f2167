"""Widgets, as a Parley plugin."""
