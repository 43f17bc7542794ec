"""What a valid input is."""
