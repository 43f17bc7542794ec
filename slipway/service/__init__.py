"""The HTTP service around one version."""
