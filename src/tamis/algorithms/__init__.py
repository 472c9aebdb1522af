"""Learning algorithms as components: each file lists its own in `COMPONENTS`."""
