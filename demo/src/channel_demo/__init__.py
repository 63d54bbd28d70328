"""What `make run` does: the whole path, step by step, and whether all is well at the end.

Reading order: `session` (who and where) → `sources` (what is sold) → `steps` (the path) → `report`
(what came of it, and what it must add up to) → `run_demo` (all in order).
"""
