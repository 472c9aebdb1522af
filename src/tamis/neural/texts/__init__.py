"""Pretrained encoders of texts: where they are found, their embeddings, and their fine-tuning."""
