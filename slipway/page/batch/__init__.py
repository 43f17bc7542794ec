"""The batch tab: its server's half is `tab.py`, all else runs in the browser."""
