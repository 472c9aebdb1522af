"""Gives scores that can be trusted: folds, out-of-fold predictions, fidelities and honest estimates."""
