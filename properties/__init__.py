"""What must be true of the model: requirements, theorems, state machines and the judge of traces."""
