"""Building blocks become pipelines: the catalogue, the rules of writing them, and their compilation."""
