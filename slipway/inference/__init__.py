"""From checked records to predictions, prediction intervals and contributions.

Everything a server computes is here, and nothing that only training needs.
"""
