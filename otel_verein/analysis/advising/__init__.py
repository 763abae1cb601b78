"""What to write instead, by library; in a table for each."""
