"""What the Data and the Model tab are made of: parts with a list of contents, folds, and charts that can be saved."""
