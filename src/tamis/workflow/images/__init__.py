"""Runs on images: the plan, the objective and the strategies."""
