"""What became of deliveries."""
