"""Fitted objects come back the same, and what is not on the list does not come back at all."""

import io
import json

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, Matern, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, QuantileTransformer, SplineTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from tamis.core.errors import CorruptArtefactError, InternalError
from tamis.core.space import Int
from tamis.store.container import pack, unpack
from tamis.store.parts import dump_part, load_part

RNG = np.random.default_rng(0)
X = RNG.random((90, 4))
Y = np.array(["no", "yes", "maybe"])[(X[:, 0] * 3).astype(int)]


class Doubler:
    """Stands for a component of ours."""

    def fit(self, X):
        self.factor_ = 2.0
        self.columns_ = np.arange(3)
        return self


DOUBLER = f"{Doubler.__module__}.Doubler"

MODELS = [
    RandomForestClassifier(5, random_state=0),
    ExtraTreesClassifier(5, random_state=np.random.RandomState(0)),
    GradientBoostingClassifier(n_estimators=3, random_state=0),
    HistGradientBoostingClassifier(max_iter=4),
    HistGradientBoostingClassifier(max_iter=4, categorical_features=[1], max_bins=20),
    AdaBoostClassifier(n_estimators=3, random_state=0),
    BaggingClassifier(DecisionTreeClassifier(), n_estimators=3, max_features=0.5, random_state=0),
    MLPClassifier((5,), max_iter=3, random_state=0),
    MLPClassifier((5,), solver="sgd", max_iter=3, random_state=0),
    KNeighborsClassifier(weights="distance"),
    KNeighborsClassifier(algorithm="ball_tree", metric="manhattan"),
    KNeighborsClassifier(p=3),
    GaussianProcessClassifier(1.0 * RBF() + Matern() + WhiteKernel(), optimizer=None),
    SVC(random_state=0),
    SGDClassifier(loss="modified_huber", random_state=0),
    GaussianNB(),
    CalibratedClassifierCV(GaussianNB(), cv=2),
    CalibratedClassifierCV(GaussianNB(), cv=2, method="isotonic"),
    VotingClassifier([("a", GaussianNB()), ("b", LogisticRegression())]),
    StackingClassifier([("a", GaussianNB()), ("k", KNeighborsClassifier())], cv=2),
    make_pipeline(SimpleImputer(), StandardScaler(), TruncatedSVD(2, random_state=0), LogisticRegression()),
    make_pipeline(QuantileTransformer(n_quantiles=10), SplineTransformer(3), LogisticRegression()),
    make_pipeline(ColumnTransformer([("b", KBinsDiscretizer(3), [0, 1])], remainder="passthrough"), GaussianNB()),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.filterwarnings("ignore")
def test_a_model_predicts_the_same_after_it_was_saved(model):
    x = np.where(np.arange(4) == 1, np.floor(X * 5), X) if getattr(model, "categorical_features", None) == [1] else X
    model.fit(x, Y)
    _, files = unpack(pack(dump_part(model)))
    np.testing.assert_array_equal(load_part(files).predict(x), model.predict(x))


def test_a_vectorizer_comes_back():
    texts = ["red fox", "blue fox", "red hen"]
    model = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit(texts)
    back = load_part(dump_part(model))
    assert (back.transform(texts) != model.transform(texts)).nnz == 0


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, True, "x"]}, [], "text", 3, {}, {"nan": float("inf")}])
def test_plain_values_become_json(value):
    files = dump_part(value)
    assert list(files) == ["part.json"] and load_part(files) == value


@pytest.mark.parametrize("value", [(1, 2), {1: "a"}, {"a": (1,)}])
def test_what_json_would_change_is_kept_otherwise(value):
    files = dump_part(value)
    assert list(files) == ["graph.json", "arrays.bin"]
    assert load_part(files) == value


def test_arrays_become_numpys_own_files():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    back = load_part(dump_part(array))
    assert back.dtype == np.float32 and (back == array).all()
    files = dump_part({"a": array, "b": np.array(["x", "yy"])})
    assert list(files) == ["part.npz"]
    assert load_part(files)["b"].tolist() == ["x", "yy"]


def test_an_own_class_is_saved_and_loaded_only_when_it_is_allowed():
    fitted = Doubler().fit(X)
    with pytest.raises(InternalError, match="Doubler"):
        dump_part(fitted)
    files = dump_part(fitted, allowed=[DOUBLER])
    with pytest.raises(CorruptArtefactError, match="Doubler"):
        load_part(files)
    assert load_part(files, allowed=[DOUBLER]).factor_ == 2.0


def test_an_own_class_that_is_allowed_comes_back():
    rounds = Int(1, 1000, log=True)
    files = dump_part([rounds], allowed=["tamis.core.space.Int"])
    assert load_part(files, allowed=["tamis.core.space.Int"]) == [rounds]


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "builtins.getattr", "numpy.load", "subprocess.Popen"])
def test_a_call_of_what_is_not_trusted_is_refused_by_name(name):
    files = dump_part(make_pipeline(StandardScaler()).fit(X))
    tree = json.loads(files["graph.json"])
    assert tree["root"]["new"][0] == "sklearn.pipeline.Pipeline"
    for node in ({"call": [name, ["true"], [], [], None]}, {"new": [name, [], [], [], None]}, {"name": name}):
        tree["root"]["new"][4]["dict"]["steps"] = node
        with pytest.raises(CorruptArtefactError, match=name.replace(".", r"\.")):
            load_part({**files, "graph.json": json.dumps(tree).encode()})


def test_an_array_of_objects_in_the_file_is_refused():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(CorruptArtefactError, match=r"part\.npy"):
        load_part({"part.npy": buffer.getvalue()})


def test_a_pickle_is_never_read():
    import pickle

    content = pickle.dumps([1])
    for name in ("part.bin", "part.npy", "part.npz", "part.json", "part.pkl"):
        with pytest.raises(CorruptArtefactError):
            load_part({name: content})
    with pytest.raises(CorruptArtefactError):
        load_part({"graph.json": content, "arrays.bin": content})


def test_crafted_indices_are_refused_on_loading(tmp_path):
    model = DecisionTreeClassifier(random_state=0).fit(X, Y)
    state = model.tree_.__getstate__()
    state["nodes"]["left_child"][0] = 2**30
    model.tree_.__setstate__(state)
    with pytest.raises(CorruptArtefactError, match="tampered"):
        load_part(dump_part(model))


@pytest.mark.parametrize("name", ["part.json", "graph.json"])
def test_deep_nesting_is_a_damaged_file(name):
    for nested in (b"[" * 100_000 + b"]" * 100_000, b'{"tuple":[' * 900 + b"1" + b"]}" * 900):
        files = {name: nested} if name == "part.json" else {name: b'{"root":' + nested + b"}", "arrays.bin": b""}
        if name == "part.json" and nested.startswith(b"{"):
            continue  # plain JSON
        with pytest.raises(CorruptArtefactError):
            load_part(files)


def test_what_nests_too_deeply_or_in_a_circle_is_not_saved():
    deep = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(InternalError, match="list"):
        dump_part(deep)
    with pytest.raises(InternalError, match="int"):
        dump_part(10**5_000)


def test_a_circle_of_lists_comes_back():
    circle = [1]
    circle.append(circle)
    back = load_part(dump_part(circle))
    assert back[0] == 1 and back[1] is back


def test_a_class_that_no_other_process_could_import_is_allowed_by_itself():
    def made(factor):
        class Local:
            """As one of a notebook: it has a name, and no module that can be imported."""

        one = Local()
        one.factor_ = factor
        return one

    one = made(3.0)
    loaded = load_part(dump_part(one, [type(one)]), [type(one)])
    assert type(loaded) is type(one) and loaded.factor_ == 3.0
    with pytest.raises(InternalError, match="may not be saved"):
        dump_part(made(3.0), [type(one)])  # another class of the same name
    with pytest.raises(CorruptArtefactError):
        load_part(dump_part(one, [type(one)]))
