"""The embedded store: Parquet files, and a journal that says which of them count."""
