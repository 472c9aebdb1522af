"""Fits Tamis on the training rows of a task of openml/automlbenchmark and predicts the test rows."""

import time

from frameworks.shared.callee import call_run, result

METRICS = {
    "acc": "accuracy", "auc": "roc_auc", "balacc": "balanced_accuracy", "f1": "f1", "logloss": "log_loss", "mae": "mae",
    "mse": "mse", "r2": "r2", "rmse": "rmse", "rmsle": "rmsle",
}  # fmt: skip
"""The benchmark's names of metrics, and ours."""

KEPT_S = 5.0
"""Of the benchmark's time, for starting and for handing the predictions back."""


def run(dataset, config):
    """Fit, predict, and return what the benchmark wants to know."""
    from tamis import AutoClassifier, AutoRegressor

    classification = config.type == "classification"
    metric = METRICS.get(config.metric)
    if metric is None:
        print(f"Tamis has no metric {config.metric!r}; the default of the task is optimised.")
    options = {name: value for name, value in config.framework_params.items() if not name.startswith("_")}
    limit_s = max(0.9 * config.max_runtime_seconds, config.max_runtime_seconds - KEPT_S)
    model = (AutoClassifier if classification else AutoRegressor)(
        time_limit=limit_s, metric=metric, n_jobs=config.cores, random_state=config.seed,
        memory_limit=config.max_mem_size_mb, **options,
    )  # fmt: skip
    begin = time.monotonic()
    model.fit(dataset.train.X, dataset.train.y.squeeze())
    fitted = time.monotonic()
    predictions = model.predict(dataset.test.X)
    probabilities = model.predict_proba(dataset.test.X) if classification else None
    predicted = time.monotonic()
    return result(
        output_file=config.output_predictions_file,
        predictions=predictions,
        truth=dataset.test.y.squeeze(),
        probabilities=probabilities,
        probabilities_labels=[str(label) for label in model.classes_] if classification else None,
        models_count=len(model.leaderboard_),
        training_duration=fitted - begin,
        predict_duration=predicted - fitted,
    )


if __name__ == "__main__":
    call_run(run)
