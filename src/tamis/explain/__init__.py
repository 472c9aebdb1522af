"""What a run has found, to be seen: pictures of networks and of the search, and the report."""
