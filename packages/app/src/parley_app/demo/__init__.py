"""`parley demo`: a believable month of interviews in a new database, so that there is something to look at."""
