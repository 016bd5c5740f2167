"""Interviews: planning, assignment, lifecycle and history."""
