"""The checks of the books and of the files."""
