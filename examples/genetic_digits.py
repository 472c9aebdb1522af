"""Genetic programming on handwritten digits: the Pareto front, and the best pipeline as a program of scikit-learn."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from tamis import AutoClassifier
from tamis.core.errors import ParameterError
from tamis.search.genetic import GeneticStrategy

GENERATIONS, POPULATION = 5, 50
NETWORKS = ("realmlp", "tabm")
"""They are of PyTorch, and have no form in a program of scikit-learn."""


def evolve(given):
    """Begin with what did well elsewhere, fill up at random, and breed for five generations if there is time."""
    known = [one for one in given.portfolio if one.component not in NETWORKS]
    return GeneticStrategy(
        given.grammar.without(*NETWORKS),
        given.seed,
        first=known[:10],
        population=POPULATION,
        max_candidates=POPULATION * (GENERATIONS + 1),
    )


X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=0.75, test_size=0.25, random_state=42)

model = AutoClassifier(time_limit="2m", search=evolve, metric="accuracy", random_state=42, output="digits-run")
model.fit(X_train, y_train)
print("Accuracy score", model.score(X_test, y_test))

front = model.pareto_front_
print("\nWhat nothing else beats in both accuracy and simplicity:")
print(front[["rank", "model", "score", "complexity"]].to_string(index=False))

for rank, name in zip(reversed(front["rank"]), reversed(front["model"]), strict=True):  # the best comes last
    try:
        model.take(int(rank)).export_python("digits_pipeline.py")
    except ParameterError as error:  # a booster whose predictions are a feature of another model, say
        print(f"\n{error}")
    else:
        print(f"\nwrote digits_pipeline.py: {name}")
        break
