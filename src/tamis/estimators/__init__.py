"""What users import: estimators with scikit-learn's manners."""
