"""Interviews in everybody's calendar: single ones as iCalendar files, and personal feeds to subscribe to."""
