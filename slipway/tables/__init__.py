"""A file as a table: its cells, their types, and what is in doubt."""
