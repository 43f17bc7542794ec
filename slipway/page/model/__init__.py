"""The model tab, a module for each kind of content; `tab.py` puts them together."""
