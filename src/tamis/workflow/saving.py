"""Writes a model to a folder of its own: what `tamis.load` reads, without the run around it."""

import json
from pathlib import Path

from tamis.core.errors import RunFolderError
from tamis.store.artefacts import FolderArtefacts
from tamis.store.atomic import atomic_write
from tamis.workflow.model import Model


def save_model(model: Model, path: Path) -> None:
    """Write the parts, then the manifest: a kill leaves no model that seems whole and is not.

    Raises
    ------
    RunFolderError
        Where the folder holds something else.
    """
    if path.exists() and (not path.is_dir() or (any(path.iterdir()) and not (path / "manifest.json").is_file())):
        raise RunFolderError(f"{path} holds something that is no saved model; name another folder or an empty one.")
    path.mkdir(parents=True, exist_ok=True)
    store = FolderArtefacts(path / "parts")
    for key in sorted(model.recipe.parts):
        store.put(model.parts[key])
    atomic_write(path / "manifest.json", json.dumps(model.recipe.to_json()).encode())
