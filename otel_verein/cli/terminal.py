"""What may be printed to a terminal."""

from otel_verein.rendering.printable import printable

__all__ = ["printable"]
