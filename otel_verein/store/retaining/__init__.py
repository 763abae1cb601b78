"""What may go and what stands in its way."""
