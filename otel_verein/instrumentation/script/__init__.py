"""Commands: a script or management command is one operation."""
