"""Fits one AutoML system on one table and predicts another, in the environment of that system.

    ENVIRONMENT/bin/python adapters.py SYSTEM --train T.csv.gz --test S.csv.gz --target COLUMN --task binary \
        --metric roc_auc --limit 60 --cores 2 --out FOLDER

A name such as `autogluon:medium_quality` gives the preset behind the colon. Writes FOLDER/run.json (seconds, versions,
what went wrong) and FOLDER/predictions.npz. It needs pandas, numpy and the system itself; Python 3.9 is enough, for
auto-sklearn runs on nothing newer. Labels are coded 0, 1, ... and missing strings made alike before any system sees
them; every system optimises the metric that is scored.
"""

import argparse
import json
import os
import pickle
import statistics
import sys
import tempfile
import time
import traceback
from importlib import metadata

ROWS, REPEATS = 100_000, 5
"""Of the table whose prediction is timed, made of copies of the test rows; the median counts."""

PATIENCE_S = 60.0
"""Predictions that would take longer are timed on fewer rows."""


class Job:
    """One table to learn from and one to predict."""

    def __init__(self, options, place):
        import numpy as np
        import pandas as pd

        self.task, self.metric, self.limit, self.cores, self.seed = (
            options.task, options.metric, options.limit, options.cores, options.seed,
        )  # fmt: skip
        self.preset, self.place, self.memory_mb = options.preset, place, options.memory_mb
        self.order = options.order.split(",") if options.order else []
        self.folder = os.path.basename(os.path.dirname(options.train))
        self.kept = None
        """What a user would keep to predict with: an object, or the path that the system has saved it under."""
        train, test = (
            pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path, low_memory=False)
            for path in (options.train, options.test)
        )
        train = train[train[options.target].notna()].reset_index(drop=True)
        test = test[test[options.target].notna()].reset_index(drop=True)
        y, truth = train.pop(options.target), test.pop(options.target)
        if self.task == "regression":
            self.labels, self.y, self.truth = [], y.to_numpy(dtype=float), truth.to_numpy(dtype=float)
        else:
            y, truth = y.astype(str), truth.astype(str)
            self.labels = sorted(y.unique())
            code = {label: number for number, label in enumerate(self.labels)}
            self.y, self.truth = y.map(code).to_numpy(), truth.map(code).fillna(-1).to_numpy(dtype=int)
        names = [f"f{number}" for number in range(train.shape[1])]
        train.columns = test.columns = names
        for name in names:
            numeric = all(pd.api.types.is_numeric_dtype(table[name]) for table in (train, test))
            if train[name].isna().all():
                train, test = train.drop(columns=name), test.drop(columns=name)
            elif numeric:
                train[name], test[name] = train[name].astype(float), test[name].astype(float)
            else:
                for table in (train, test):
                    known = table[name].notna()
                    table[name] = table[name].astype(object).where(~known, table[name].astype(str)).where(known, np.nan)
        self.train, self.test = train, test
        self.strings = [name for name in train if train[name].dtype == object]

    @property
    def n_classes(self):
        """How many classes there are; 0 for numbers."""
        return len(self.labels)

    def named(self, names):
        """Return this system's name of the metric."""
        return names[self.metric]


def tamis(job):
    """Tamis; a name behind the colon is a preset, a search or `text`; an order of configurations replaces its own."""
    from tamis import AutoClassifier, AutoRegressor, TextClassifier, TextRegressor

    if job.order:
        # No option: who measures an order learned without the set reaches inside.
        from tamis.pipelines.orders import Orders
        from tamis.pipelines.warm import WarmStart

        warm, Orders.shipped = WarmStart.shipped(), classmethod(lambda cls: Orders(tuple(job.order)))
        others = WarmStart(tuple(one for one in warm.known if one.name != job.folder), warm.near)
        WarmStart.shipped = classmethod(lambda cls: others)
    texts = job.preset == "text"
    kinds = (TextRegressor, TextClassifier) if texts else (AutoRegressor, AutoClassifier)
    kind = kinds[0] if job.task == "regression" else kinds[1]
    preset = job.preset in ("fast", "balanced", "best")
    options = {"preset" if preset else "search": job.preset} if job.preset and not texts else {}
    model = kind(time_limit=job.limit, metric=job.metric, random_state=job.seed, n_jobs=job.cores, **options)
    model.fit(job.train, job.y)
    model.save(f"{job.place}/model")
    job.kept = f"{job.place}/model"
    return model.predict if job.task == "regression" else model.predict_proba


def baseline(job):
    """Histogram gradient boosting with the defaults of scikit-learn, its strings coded by numbers."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    kind = HistGradientBoostingRegressor if job.task == "regression" else HistGradientBoostingClassifier
    coder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(
        make_column_transformer((coder, job.strings), remainder="passthrough"), kind(random_state=job.seed)
    ).fit(job.train, job.y)
    job.kept = model
    return model.predict if job.task == "regression" else model.predict_proba


def autogluon(job):
    """AutoGluon-Tabular; `sequential` trains folds one by one, which on two cores fits more than its workers do."""
    from autogluon.tabular import TabularPredictor

    preset, _, way = (job.preset or "best_quality").partition("+")
    names = {"roc_auc": "roc_auc", "log_loss": "log_loss", "rmse": "root_mean_squared_error"}
    model = TabularPredictor(
        label="target", problem_type=job.task, eval_metric=job.named(names), path=f"{job.place}/model", verbosity=0
    )
    more = {"ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"}} if way == "sequential" else {}
    model.fit(
        job.train.assign(target=job.y), time_limit=job.limit, presets=preset, num_cpus=job.cores, num_gpus=0, **more
    )
    model.persist("best")
    job.kept = f"{job.place}/model"
    if job.task == "regression":
        return model.predict
    return lambda rows: model.predict_proba(rows, as_multiclass=True)[list(range(job.n_classes))]


def flaml(job):
    from flaml import AutoML

    names = {"roc_auc": "roc_auc", "log_loss": "log_loss", "rmse": "rmse"}
    model = AutoML()
    model.fit(
        X_train=job.train, y_train=job.y, task="regression" if job.task == "regression" else "classification",
        metric=job.named(names), time_budget=job.limit, n_jobs=job.cores, seed=job.seed, verbose=0,
        ensemble=job.preset == "ensemble",
    )  # fmt: skip
    if model.model is None:
        raise RuntimeError("no model was found in the time")
    job.kept = model
    return model.predict if job.task == "regression" else model.predict_proba


def h2o(job):
    import h2o as server
    from h2o.automl import H2OAutoML

    server.init(
        nthreads=job.cores, max_mem_size=f"{job.memory_mb}M", ice_root=job.place, log_dir=job.place,
        name=f"benchmark{os.getpid()}", port=54_000 + os.getpid() % 1_000, strict_version_check=False,
    )  # fmt: skip
    server.no_progress()
    kinds = {name: "enum" if name in job.strings else "numeric" for name in job.train}

    def frame(rows, target=None):
        path = f"{job.place}/rows.csv"
        table = rows if target is None else rows.assign(target=target)
        table.to_csv(path, index=False)
        types = dict(kinds)
        if target is not None:
            types["target"] = "numeric" if job.task == "regression" else "enum"
        return server.import_file(path, header=1, sep=",", col_types=types)

    names = {"roc_auc": "AUC", "log_loss": "logloss", "rmse": "RMSE"}
    target = job.y if job.task == "regression" else [f"c{code:04d}" for code in job.y]
    model = H2OAutoML(max_runtime_secs=round(job.limit), sort_metric=job.named(names), seed=job.seed)
    model.train(y="target", training_frame=frame(job.train, target))
    if model.leader is None:
        raise RuntimeError("no model was built in the time")
    job.kept = server.save_model(model.leader, path=f"{job.place}/model", force=True)

    def predict(rows):
        found = model.leader.predict(frame(rows)).as_data_frame()
        return (
            found["predict"] if job.task == "regression" else found[[f"c{code:04d}" for code in range(job.n_classes)]]
        )

    return predict


def lightautoml(job):
    """LightAutoML; `nlp` is its preset for texts: linear models on TF-IDF, for its boosters fail on texts alone."""
    import numpy as np
    import torch
    from lightautoml.automl.presets.tabular_presets import TabularUtilizedAutoML
    from lightautoml.tasks import Task

    torch.set_num_threads(job.cores)
    losses = {"roc_auc": "auc", "log_loss": "crossentropy", "rmse": "mse"}
    kinds = {"binary": "binary", "multiclass": "multiclass", "regression": "reg"}
    common = {
        "task": Task(kinds[job.task], metric=job.named(losses)), "timeout": job.limit, "cpu_limit": job.cores,
        "memory_limit": job.memory_mb // 1000, "gpu_ids": None,
    }  # fmt: skip
    roles = {"target": "target"}
    if job.preset == "nlp":
        from lightautoml.automl.presets.text_presets import TabularNLPAutoML

        roles["text"] = [name for name in job.strings if job.train[name].str.split().str.len().median() > 3]
        model = TabularNLPAutoML(
            general_params={"use_algos": [["linear_l2"]]}, text_params={"lang": "en"},
            reader_params={"cv": 5, "random_state": job.seed}, **common,
        )  # fmt: skip
    else:
        model = TabularUtilizedAutoML(random_state=job.seed, **common)
    model.fit_predict(job.train.assign(target=job.y), roles=roles, verbose=0)
    job.kept = model
    reader = getattr(model, "reader", None) or model.outer_pipes[0].ml_algos[0].models[0][0].reader
    places = getattr(reader, "class_mapping", None) or {code: code for code in range(job.n_classes)}

    def predict(rows):
        found = model.predict(rows).data
        if job.task == "regression":
            return found[:, 0]
        if job.task == "binary":
            found = np.column_stack([1 - found[:, 0], found[:, 0]])
        return found[:, [places[code] for code in range(job.n_classes)]]

    return predict


def mljar(job):
    from supervised import AutoML

    names = {"roc_auc": "auc", "log_loss": "logloss", "rmse": "rmse"}
    kind = "regression" if job.task == "regression" else f"{job.task}_classification"
    model = AutoML(
        results_path=f"{job.place}/model", mode=job.preset or "Compete", total_time_limit=round(job.limit),
        ml_task=kind, eval_metric=job.named(names), n_jobs=job.cores, random_state=job.seed, explain_level=0, verbose=0,
    )  # fmt: skip
    model.fit(job.train, job.y)
    job.kept = f"{job.place}/model"
    return model.predict if job.task == "regression" else model.predict_proba


def tpot(job):
    """TPOT takes numbers alone: missing ones are filled and strings become columns of 0 and 1 before it."""
    import numpy as np
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    from tpot import TPOTClassifier, TPOTRegressor

    coder = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50, sparse_output=False)
    filled = make_pipeline(SimpleImputer(strategy="constant", fill_value="missing"), coder)
    numbers = [name for name in job.train if name not in job.strings]
    before = make_column_transformer((SimpleImputer(strategy="median"), numbers), (filled, job.strings))
    matrix = np.asarray(before.fit_transform(job.train), dtype=float)
    several = {"binary": "roc_auc", "multiclass": "roc_auc_ovr"}
    scorers = {"roc_auc": several.get(job.task), "log_loss": "neg_log_loss", "rmse": "neg_root_mean_squared_error"}
    kind = TPOTRegressor if job.task == "regression" else TPOTClassifier
    model = kind(
        search_space=job.preset or "linear", cv=5, max_time_mins=job.limit / 60,
        max_eval_time_mins=max(job.limit / 120, 0.2), n_jobs=job.cores, random_state=job.seed, verbose=0,
        scorers=[job.named(scorers)], early_stop=None, memory_limit=f"{job.memory_mb // job.cores}MB",
    )  # fmt: skip
    model.fit(matrix, job.y)
    found = job.kept = model.fitted_pipeline_

    def predict(rows):
        prepared = np.asarray(before.transform(rows), dtype=float)
        if job.task == "regression" or hasattr(found, "predict_proba"):
            return found.predict(prepared) if job.task == "regression" else found.predict_proba(prepared)
        return np.eye(job.n_classes)[found.predict(prepared).astype(int)]

    return predict


def autosklearn(job):
    import autosklearn.metrics
    import pandas as pd

    names = {"roc_auc": "roc_auc", "log_loss": "log_loss", "rmse": "root_mean_squared_error"}
    if job.task == "regression":
        from autosklearn.regression import AutoSklearnRegressor as Kind
    else:
        from autosklearn.classification import AutoSklearnClassifier as Kind
    levels = {name: sorted(job.train[name].dropna().unique()) for name in job.strings}

    def typed(rows):
        return rows.assign(**{name: pd.Categorical(rows[name], categories=levels[name]) for name in levels})

    model = Kind(
        time_left_for_this_task=round(job.limit), n_jobs=job.cores, seed=job.seed,
        metric=getattr(autosklearn.metrics, job.named(names)), memory_limit=job.memory_mb // job.cores,
        tmp_folder=f"{job.place}/model",
    )  # fmt: skip
    model.fit(typed(job.train), job.y)
    job.kept = model
    predict = model.predict if job.task == "regression" else model.predict_proba
    return lambda rows: predict(typed(rows))


SYSTEMS = {
    "tamis": (tamis, "tamis", "tamis"),
    "baseline": (baseline, "scikit-learn", "sklearn.ensemble"),
    "autogluon": (autogluon, "autogluon.tabular", "autogluon.tabular"),
    "flaml": (flaml, "flaml", "flaml"),
    "h2o": (h2o, "h2o", "h2o.automl"),
    "lightautoml": (lightautoml, "lightautoml", "lightautoml.automl.presets.tabular_presets"),
    "mljar": (mljar, "mljar-supervised", "supervised"),
    "tpot": (tpot, "tpot", "tpot"),
    "autosklearn": (autosklearn, "auto-sklearn", "autosklearn.classification"),
}
"""By name: what fits it and returns what predicts, its package, and what is imported before the clock starts."""


def timed_prediction(predict, rows):
    """Return the rows that are predicted in a second, and the seconds that one row alone takes."""
    import pandas as pd

    begin = time.perf_counter()
    predict(rows)
    each = (time.perf_counter() - begin) / len(rows)
    count = int(min(ROWS, max(len(rows), PATIENCE_S / REPEATS / each)))
    table = pd.concat([rows] * -(-count // len(rows)), ignore_index=True).iloc[:count]

    def median(table, repeats):
        found = []
        for _ in range(repeats):
            begin = time.perf_counter()
            predict(table)
            found.append(time.perf_counter() - begin)
        return statistics.median(found)

    return count / median(table, REPEATS), median(rows.iloc[:1], REPEATS)


def size_mb(kept):
    """Return what a model takes on disk."""
    if not isinstance(kept, str):
        return len(pickle.dumps(kept)) / 1e6
    if os.path.isfile(kept):
        return os.path.getsize(kept) / 1e6
    files = (os.path.join(folder, name) for folder, _, names in os.walk(kept) for name in names)
    return sum(os.path.getsize(path) for path in files if not os.path.islink(path)) / 1e6


def run(options, record, place):
    """Fit, predict and time, noting each in the record."""
    import numpy as np

    system, package, module = SYSTEMS[options.system]
    record["version"] = metadata.version(package)
    job = Job(options, place)
    __import__(module)
    begin = time.perf_counter()
    predict = system(job)
    record["fit_s"] = time.perf_counter() - begin
    begin = time.perf_counter()
    found = np.asarray(predict(job.test), dtype=float)
    record["predict_s"] = time.perf_counter() - begin
    np.savez_compressed(f"{options.out}/predictions.npz", found=found, truth=job.truth)
    record["n_test"] = len(job.truth)
    try:
        record["model_mb"] = size_mb(job.kept)
    except Exception as error:  # some models cannot be pickled as they are
        record["model_mb"] = None
        print(f"no size: {error}")
    if options.speed:
        record["rows_per_s"], record["one_row_s"] = timed_prediction(predict, job.test)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", help=", ".join(SYSTEMS))
    for name in ("train", "test", "target", "metric", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--task", required=True, choices=["binary", "multiclass", "regression"])
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory-mb", type=int, default=8_000)
    parser.add_argument("--order", default="", help="names of starting configurations, for Tamis alone")
    parser.add_argument("--speed", action="store_true", help="time predictions of many rows and of one")
    options = parser.parse_args()
    options.system, _, options.preset = options.system.partition(":")
    for name in ("train", "test", "out"):
        setattr(options, name, os.path.abspath(getattr(options, name)))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != os.path.dirname(__file__)]
    os.makedirs(options.out, exist_ok=True)
    record = {"system": options.system, "preset": options.preset, "python": sys.version.split()[0], "error": None}
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        try:
            run(options, record, place)
        except BaseException as error:
            record["error"] = f"{type(error).__name__}: {str(error)[:500]}"
            traceback.print_exc()
    with open(f"{options.out}/run.json", "w") as file:
        json.dump(record, file)
    sys.stdout.flush()
    os._exit(0)  # some systems leave threads behind that would never end


if __name__ == "__main__":
    main()
