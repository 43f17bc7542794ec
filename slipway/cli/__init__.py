"""The command line: `slipway COMMAND`, a module for each command. Each imports what it runs only when it runs."""
