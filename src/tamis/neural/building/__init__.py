"""Expressions become torch modules, and modules pictures and programs."""
