"""Hours, days and months: what is due, the queries, the files."""
