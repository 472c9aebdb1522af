"""Pretrained networks that turn images into features: which there are, how they are opened, kept and built again."""
