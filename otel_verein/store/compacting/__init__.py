"""Small files into large ones: which, in which order, how."""
