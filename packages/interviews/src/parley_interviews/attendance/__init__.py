"""Who is coming to an interview, and who came."""
