"""The data tab, a module for each kind of summary; `tab.py` puts them together."""
