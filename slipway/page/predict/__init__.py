"""The predict tab, a module for each part of it; `tab.py` puts them together."""
