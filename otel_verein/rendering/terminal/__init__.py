"""Answers on a terminal of any width, in colours where it has them."""
