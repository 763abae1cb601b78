"""Pure analysis: tables in, frozen records out."""
