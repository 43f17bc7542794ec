"""Putting Slipway on Azure, and what its image is made of: `python -m deploy --help`."""
