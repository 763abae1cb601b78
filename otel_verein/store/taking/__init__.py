"""Messages of segments taken into rows: parsing, checking, adding up, writing."""
