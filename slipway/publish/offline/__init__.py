"""A version as one HTML page that answers without a server or a network: `slipway export MODEL --html FILE`."""
