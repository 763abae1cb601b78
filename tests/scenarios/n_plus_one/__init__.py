"""A labelled suite for the N+1 verdict: real ORM and SQL code, what it deserves, and how often we say so."""
