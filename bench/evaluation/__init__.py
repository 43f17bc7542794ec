"""Do the figures mean what they say? Measured on rows that nothing was fitted on, beside plain methods: `make evaluate`."""
