"""Code that a script carries along: read by `tamis.export.script.definitions`, and runnable by itself."""
