"""Ratings: what interviewers think of an interview once it is completed."""
