"""Tables in: reading, typing, auditing, and the prepared form that models learn from."""
