"""The sections of the configuration, each a frozen dataclass of options."""
