// Prints what ical.js reads in a calendar: node read_calendar.mjs <address of ical.js> <calendar file>
import { readFileSync } from "node:fs";

const { default: ICAL } = await import(process.argv[2]);
const calendar = new ICAL.Component(ICAL.parse(readFileSync(process.argv[3], "utf-8")));
const events = calendar.getAllSubcomponents("vevent").map((component) => new ICAL.Event(component));
const shown = events.map((event) => ({
  uid: event.uid,
  sequence: event.sequence,
  summary: event.summary,
  description: event.description,
  location: event.location,
  begin: event.startDate.toJSDate().toISOString(),
  end: event.endDate.toJSDate().toISOString(),
  status: event.component.getFirstPropertyValue("status"),
}));
process.stdout.write(JSON.stringify(shown));
