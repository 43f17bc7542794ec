"""Signatures of versions and answers, and what checks a saved answer; docs/proof.md says how it is used."""
