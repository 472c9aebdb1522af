"""Networks: their operations, cells and spaces, how they are trained, and what they learn from images and tables."""
