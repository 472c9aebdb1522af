"""The run folder: its lock, its journal, its artefacts, and how fitted parts are written."""
