"""Delimited text in: encoding, delimiter, where the table lies, and what its cells mean."""
