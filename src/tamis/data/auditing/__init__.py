"""What the audit looks for, a file each."""
