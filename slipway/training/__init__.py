"""From a table and a use case to a fitted, measured pipeline."""
