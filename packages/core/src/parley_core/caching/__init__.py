"""What answers from memory and proves that the answer is current."""
