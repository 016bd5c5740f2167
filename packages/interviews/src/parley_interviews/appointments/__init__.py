"""Interviews as calendars show them: when, where and what, and nothing that only some participants may read."""

from parley_interviews.appointments.models import Appointment
from parley_interviews.appointments.repository import AppointmentReader

__all__ = ["Appointment", "AppointmentReader"]
