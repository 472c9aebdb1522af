"""Networks for tables, as components of the tabular catalogue."""
