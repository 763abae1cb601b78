"""Database drivers: the choke point, the tables of drivers, and the hooks that put the one into the others."""
