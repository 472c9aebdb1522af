"""The language of networks: what may be written, what it means, and how it may be edited; no torch here."""
