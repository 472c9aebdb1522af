"""Decides what to try next: strategies that know no data, and wrappers around them."""
