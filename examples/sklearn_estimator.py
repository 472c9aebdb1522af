"""Tamis as a part of scikit-learn: in a pipeline, cross-validated, cloned."""

from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tamis import AutoRegressor

X, y = load_diabetes(return_X_y=True, as_frame=True)

# With max_trials and a seed the same model comes out on any machine.
model = AutoRegressor(max_trials=1, random_state=0, n_jobs=1)
pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), clone(model))
scores = cross_val_score(pipeline, X, y, cv=2, scoring="r2")
print("R squared in two folds:", scores.round(3))
