"""Single interviews: creating, reading and changing one, and its lifecycle."""
