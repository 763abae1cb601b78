"""The questions to spans, written once for every database that can add up by itself."""
