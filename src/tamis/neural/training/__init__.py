"""How networks are trained, alone or with shared weights, and how they predict."""
