import numpy as np
import pytest

from tamis.core.errors import DataError
from tamis.features.words import COUNTS, MinHash, Ngrams, TextStatistics, distinct, read_texts


def texts(*rows):
    made = np.empty((len(rows), 1), dtype=object)
    made[:, 0] = rows
    return made


TOPICS = texts(
    *(["the cat sat on the mat", "a cat and a dog"] * 20 + ["stocks fell on monday", "the market rose"] * 20)
)


def test_main_directions_part_the_topics():
    from sklearn.linear_model import LogisticRegression

    y = np.repeat([0, 1], 40)
    for analyzer, lengths in (("word", (1, 2)), ("char_wb", (3, 5))):
        ngrams = Ngrams(analyzer, shortest=lengths[0], longest=lengths[1], n_components=3)
        made = ngrams.fit_transform(TOPICS)
        assert made.shape == (80, 3)
        assert LogisticRegression(C=100).fit(made, y).score(made, y) == 1.0


def test_each_column_has_its_own_vocabulary():
    X = np.hstack([texts("red apple", "green apple"), texts("one two", "two three")])
    names = Ngrams(longest=1).fit(X).get_feature_names_out(["a", "b"])
    assert list(names) == ["a:apple", "a:green", "a:red", "b:one", "b:three", "b:two"]


def test_the_vocabulary_is_bounded():
    assert Ngrams(max_features=3).fit_transform(TOPICS).shape == (80, 3)


def test_the_vocabulary_is_learned_from_a_sample():
    ngrams = Ngrams(sample=10, seed=1)
    assert len(ngrams._documents(TOPICS[:, 0])) == 10
    assert ngrams.fit_transform(TOPICS).shape[0] == 80


def test_texts_without_a_word_give_a_column_of_zeros():
    for n_components in (0, 5):
        ngrams = Ngrams(n_components=n_components).fit(texts("", "!", "-"))
        assert abs(ngrams.transform(texts("a word"))).sum() == 0
        assert len(ngrams.get_feature_names_out(["t"])) == 1


def test_ngrams_of_one_text_alone_are_left_out_of_many_rows():
    rows = ["common words here"] * 60 + ["singular"]
    assert not any("singular" in name for name in Ngrams().fit(texts(*rows)).get_feature_names_out())


def test_missing_texts_are_empty_ones():
    made = read_texts(np.array([[None, float("nan"), 7, "a"]], dtype=object))
    assert made.tolist() == [["", "", "7", "a"]]
    with pytest.raises(DataError, match="rows and columns"):
        read_texts(["a"])


def test_equal_texts_are_worked_on_once():
    different, rows = distinct(np.array(["b", "a", "b"], dtype=object), 100)
    assert different == ["b", "a"] and rows.tolist() == [0, 1, 0]


def test_statistics_describe_a_text():
    made = dict(zip(COUNTS, TextStatistics().fit_transform(texts("Ab 12!\nab"))[0], strict=True))
    assert made["words"] == pytest.approx(np.log(4)) and made["word_length"] == pytest.approx(7 / 3)
    assert made["digits"] == pytest.approx(2 / 9) and made["capitals"] == pytest.approx(1 / 9)
    assert made["punctuation"] == pytest.approx(1 / 9) and made["lines"] == pytest.approx(np.log(2))


def test_alike_texts_get_alike_hashes():
    pytest.importorskip("skrub")
    made = MinHash(60).fit_transform(texts("senior engineer", "senior enginer", "gardener", ""))
    alike, apart = (np.mean(made[0] == made[row]) for row in (1, 2))
    assert alike > 0.4 > apart


def test_marks_and_emoji_are_words_where_they_count():
    rows = texts("so good ! 😀", "is it a b ?")
    assert {"!", "😀", "a", "?"} <= set(Ngrams(longest=1, marks=True).fit(rows).vectorizers_[0].vocabulary_)
    assert set(Ngrams(longest=1).fit(rows).vectorizers_[0].vocabulary_) == {"so", "good", "is", "it"}


def test_columns_that_belong_together_are_read_as_one_text():
    X = np.hstack([texts("red apple", "green apple"), texts("one red", "two")])
    joined = Ngrams(longest=1, joined=True)
    assert joined.fit_transform(X).shape == (2, 5)
    assert "title+text:red" in joined.get_feature_names_out(["title", "text"])
    assert abs(joined.transform(X) - joined.fit_transform(X)).sum() == 0
    with pytest.raises(DataError):
        joined.transform(X[:, :1])


@pytest.mark.parametrize("sample", [20, 1_000])
def test_training_rows_are_transformed_as_others_are(sample):
    for n_components in (0, 4):
        fitted = Ngrams(sample=sample, n_components=n_components)
        made, again = fitted.fit_transform(TOPICS), fitted.transform(TOPICS)
        difference = abs(made - again)
        assert difference.max() < 1e-5
