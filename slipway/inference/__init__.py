"""From checked records to predictions, intervals and contributions."""
