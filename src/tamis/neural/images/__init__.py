"""Pretrained networks for columns of images: where they are found, and the features they give."""
