"""Whether recent rows are like those that a version was trained on, and how good its predictions for them are."""
