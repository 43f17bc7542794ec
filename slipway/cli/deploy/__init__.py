"""Putting a version's image on Azure, by the calls of the Azure CLI."""
