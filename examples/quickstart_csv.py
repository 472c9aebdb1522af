"""From a CSV file to predictions: fit, look, save, load, predict."""

import tempfile
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

import tamis

folder = Path(tempfile.mkdtemp())
data = load_wine(as_frame=True)
table = data.data.assign(grower=data.target.map({0: "north", 1: "south", 2: "west"}))
train, test = train_test_split(table, test_size=0.3, stratify=table["grower"], random_state=0)
train.to_csv(folder / "wines.csv", index=False)

rows = pd.read_csv(folder / "wines.csv")
model = tamis.AutoClassifier(time_limit=10, output=folder / "run")
model.fit(rows.drop(columns="grower"), rows["grower"])

print(model.leaderboard_[["rank", "model", "score", "weight"]].head(5).to_string(index=False))
estimate = model.score_estimate_
print(f"expected {estimate['metric']}: {estimate['value']:.4f} ({estimate['low']:.4f} to {estimate['high']:.4f})")

again = tamis.load(folder / "run")
print(f"accuracy on rows held out: {again.score(test.drop(columns='grower'), test['grower']):.3f}")
