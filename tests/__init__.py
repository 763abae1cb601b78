"""Tests of otel-verein; a package, so that suites can share the servers and readers next to them."""
