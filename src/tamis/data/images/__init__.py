"""Images in: where they lie, what they look like, and which of them are copies."""
