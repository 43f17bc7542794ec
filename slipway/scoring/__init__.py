"""Whole files scored part by part: any number of rows in constant memory, on all cores, with the values of the API."""
