"""Interviews: schedule, lifecycle, participants and history."""
