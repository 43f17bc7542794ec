"""From a PyCaret experiment to a version in the store: the one place that knows the order of the steps."""
