"""All pictures of one network: the whole, and the cells that it is stacked of."""

from tamis.core.candidate import Candidate
from tamis.core.extras import available
from tamis.explain.drawing import draw_cell, draw_graph
from tamis.explain.slabs import draw_network
from tamis.neural.language.graphs import BODY as GRAPH
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import BODIES, body_of


def pictures_of(tree: Candidate, shape: ImageShape, n_outputs: int) -> list[tuple[str, str]]:
    """Draw a network.

    Parameters
    ----------
    tree : Candidate
        `network(body)`, or a body alone.
    shape : ImageShape
    n_outputs : int

    Returns
    -------
    list of (caption, SVG)
        The whole is left out where torch, which knows the sizes, is not installed. Of pretrained networks there are
        none.
    """
    body = body_of(tree)
    if body.component not in (*BODIES, GRAPH):
        return []
    if body.component == GRAPH:
        caption = "The network: each layer with the height, width and channels of what it gives."
        return [(caption, draw_graph(body, shape))]
    pictures = []
    if available("torch"):
        from tamis.neural.building.anatomy import stages_of

        caption = (
            "The network: each stage with the height, width and channels of what it gives; the bars are shares of the "
            "parameters. A number after a slash tells by how much an image is made smaller."
        )
        pictures.append((caption, draw_network(stages_of(tree, shape, n_outputs))))
    cells = [one for one in body.children if one.component.endswith("cell")]
    if body.component == "node_network":
        names = ("The normal cell: h[i] is the cell before it, h[i−1] the one before that.", "The reduction cell.")
        for number, (cell, caption) in enumerate(zip(cells, names, strict=True)):
            pictures.append((caption, draw_cell(cell, reduction=number == 1)))
    else:
        pictures += [
            ("The cell: each numbered node is the sum of what comes into it.", draw_cell(one)) for one in cells
        ]
    return pictures
