"""What helps others to test: the suite that every storage must pass."""
