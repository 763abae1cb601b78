"""Answers as one page that needs nothing but itself."""
