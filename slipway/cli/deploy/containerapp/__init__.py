"""One container app: a revision for each image and setting, and traffic to one of them."""
