"""Everything around the tabs: the document, its files, the guard in front of Gradio, and an unavailable server."""
