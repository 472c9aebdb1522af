"""Brings a model into other forms: a torch module, ONNX, weights, readable code, a description, a folder."""
