"""What is written from the schema of the configuration: for editors, as a sample, and as a page of the reference."""

from otel_verein.config.describe.commented import sample
from otel_verein.config.describe.editors import json_schema

__all__ = ["json_schema", "sample"]
