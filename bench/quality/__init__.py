"""How good the models are, beside those of others: `make bench-quality`.

`tables` writes the tables and `peers` trains what they are compared with, both in an environment of their own,
.venv/quality; `slipway_method` trains with Slipway, in this one. `__main__` starts each in a process of its own and keeps
what each says, so that a run can go on where it was stopped.
"""
