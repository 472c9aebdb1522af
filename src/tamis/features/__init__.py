"""Transformers that turn columns of every role into numbers a model can learn from."""
