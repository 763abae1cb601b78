"""Answers as a person reads them: on a terminal, as a page, in a pull request."""
