"""The thumbnailer that oscar asks for: it gives the image in its own size, so no image library is needed."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from oscar.core.thumbnails import AbstractThumbnailer


@dataclass(frozen=True)
class Thumbnail:
    """What oscar's templates read of a thumbnail."""

    url: str


class OriginalSize(AbstractThumbnailer):
    """Images as they are; oscar hands a name for the 'missing' image and a file field for others."""

    def generate_thumbnail(self, source: Any, **_options: Any) -> Thumbnail:
        return Thumbnail(getattr(source, "url", None) or f"{settings.MEDIA_URL}{source}")

    def delete_thumbnails(self, source: Any) -> None:
        """Nothing was generated, so nothing is left to delete."""
