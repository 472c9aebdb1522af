"""Writes what a model for tables came of as one readable program of scikit-learn and the boosters used."""
