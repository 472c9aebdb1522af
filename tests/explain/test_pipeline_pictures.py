"""Tests of the picture of pipelines as a tree."""

import re
from xml.etree import ElementTree

import pytest

from tamis.core.candidate import Candidate
from tamis.core.kinds import Role, TaskKind
from tamis.data.schema import Column, Schema
from tamis.explain.pipeline_pictures import MOST_MEMBERS, draw_model, draw_pipeline
from tamis.pipelines.catalogue import builtin
from tamis.pipelines.portfolio import candidates_for
from tamis.pipelines.recipes import NUMBERS, Groups
from tamis.tasks.targets import TargetCoder
from tamis.tasks.task import Task
from tamis.workflow.mixing import Member, Unit
from tamis.workflow.model import Model, Recipe

CATALOGUE = builtin()
TREES = candidates_for(Groups(8, 2, 1, 1, 1), TaskKind.BINARY, 5_000, 13, CATALOGUE)
LINEAR, BOOSTER = (next(one for one in TREES if one.component == name) for name in ("logistic", "histgb"))
SCHEMA = Schema(
    (
        *(Column(f"a rather long name {number}", Role.NUMERIC, "") for number in range(8)),
        Column("<city>", Role.CATEGORICAL, ""),
        Column("sold_on", Role.DATE, ""),
        Column("note", Role.TEXT, ""),
    ),
    target="y",
)


def model_of(*trees: Candidate) -> Model:
    """A model whose members weigh less and less."""
    members = [Member(tree.to_json(), 1.0 / (1 + place), (Unit("", ""),)) for place, tree in enumerate(trees)]
    recipe = Recipe(
        task=Task.of("binary", "roc_auc", ("a", "b")),
        coder=TargetCoder(TaskKind.BINARY, ("a", "b")),
        schema=SCHEMA,
        members=tuple(members),
        constant=(0.5, 0.5),
    )
    return Model(recipe, {})


def written(svg: str) -> list[str]:
    """The words that can be seen."""
    return [node.text or "" for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")]


def boxes(svg: str) -> list[tuple[float, float, float, float]]:
    values = [
        [float(node.attrib[name]) for name in ("x", "y", "width", "height")]
        for node in ElementTree.fromstring(svg).iter()
        if node.tag.endswith("rect") and "rx" in node.attrib
    ]
    return [(x, y, x + width, y + height) for x, y, width, height in values]


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_every_node_of_a_pipeline_is_in_the_picture_and_no_boxes_overlap(tree: Candidate) -> None:
    svg = draw_pipeline(tree, CATALOGUE, SCHEMA)
    words = written(svg)
    for node in tree.walk():
        assert node.component == "columns" or node.component.replace("_", " ") in words
    found = boxes(svg)
    for number, one in enumerate(found):
        for other in found[:number]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_parameters_are_named_where_they_are_not_at_their_default() -> None:
    node = CATALOGUE["ridge"].space.complete({"alpha": 0.123456})
    words = written(draw_pipeline(Candidate.of("ridge", {**node, "class_weight": 0.5}, NUMBERS), CATALOGUE))
    assert "alpha = 0.1235" in words and "class weight = 0.5" in words
    assert not any(word.startswith("log target") for word in words)
    plain = Candidate.of("ridge", {**CATALOGUE["ridge"].space.default(), "class_weight": 0.0}, NUMBERS)
    assert written(draw_pipeline(plain, CATALOGUE)) == ["numbers", "ridge", "prediction"]


def test_columns_are_named_and_many_are_counted() -> None:
    words = written(draw_pipeline(LINEAR, CATALOGUE, SCHEMA))
    assert "<city>" in words and "sold_on" in words
    assert "a rather long name 1" in words and "and 6 more" in words


def test_members_have_their_weights_and_share_what_they_have_in_common() -> None:
    svg = draw_model(model_of(LINEAR, BOOSTER, BOOSTER.with_parameters(learning_rate=0.5)))
    words = written(svg)
    assert [word for word in words if word.startswith("weight ")] == ["weight 55 %", "weight 27 %", "weight 18 %"]
    assert words.count("histgb") == 2 and words.count("codes") == 1 and words[-1] == "weighted mean"


def test_the_members_that_weigh_least_are_counted() -> None:
    words = written(draw_model(model_of(*TREES[: MOST_MEMBERS + 2])))
    assert "2 more" in words and sum(word.startswith("weight ") for word in words) == MOST_MEMBERS + 1


def test_a_single_member_needs_no_weight_and_a_constant_no_branch() -> None:
    assert not any("weight " in word for word in written(draw_model(model_of(LINEAR))))
    assert written(draw_model(model_of())) == ["a constant"]


def test_it_is_told_in_words() -> None:
    root = ElementTree.fromstring(draw_model(model_of(LINEAR, BOOSTER)))
    title, description = root[0].text, root[1].text
    assert title == "The pipelines of the model"
    assert description is not None and re.search(r"impute \(strategy = median\) to standardize", description)


def test_a_model_below_another_is_drawn_as_one():
    """A reader sees which boxes are models, and that their predictions are columns for the next."""
    inner = Candidate.of("lda", {"shrinkage": 0.25}, NUMBERS)
    tree = Candidate.of("logistic", {}, Candidate.of("join", {}, NUMBERS, Candidate.of("predictions", {}, inner)))
    words = written(draw_pipeline(tree, CATALOGUE))
    assert {"lda", "shrinkage = 0.25", "predictions", "out of fold", "logistic"} <= set(words)
    kinds = {one: draw_pipeline(tree, {}).count(one) for one in ("#0f766e", "#1d5fa8")}
    assert draw_pipeline(tree, CATALOGUE).count("#0f766e") > kinds["#0f766e"]
