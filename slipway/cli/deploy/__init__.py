"""Deploying a version's image to Azure, with the calls of the Azure CLI."""
