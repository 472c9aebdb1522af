"""Words and contracts shared by every room; imports nothing of ours."""
