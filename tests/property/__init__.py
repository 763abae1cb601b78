"""Properties of whole modules, searched for counter-examples by hypothesis."""
