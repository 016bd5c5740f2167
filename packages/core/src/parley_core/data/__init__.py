"""What reads and writes MongoDB."""
