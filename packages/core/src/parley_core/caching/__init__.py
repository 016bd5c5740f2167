"""What answers from memory, once it is checked that the answer is current."""
