"""What is around the tabs: the document, its files, the guard before Gradio, a server that goes away."""
