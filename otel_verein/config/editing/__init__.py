"""Edits of the text of a configuration: what is asked for, and no other byte."""

from otel_verein.config.editing.edit import set_value, unset_value

__all__ = ["set_value", "unset_value"]
