"""Backup and restore of one database: a tar in mongodump's layout, read at one snapshot and restored as a whole."""
