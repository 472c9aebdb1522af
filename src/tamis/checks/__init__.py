"""What every member of a family must obey, written once and run over all of them."""
