"""One Web App on a plan, with a staging slot or without."""
