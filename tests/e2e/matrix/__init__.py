"""The matrix: every framework with every driver, each request's count against the database's own witness."""
