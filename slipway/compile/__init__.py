"""Compiles a fitted PyCaret pipeline into one ONNX graph, and proves that it answers the same."""
