"""Real implementations: what there is, how each is installed and started, and what a run of all of them finds."""
