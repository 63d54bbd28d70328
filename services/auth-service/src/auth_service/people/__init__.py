"""People: who they are, whose members they are, and as what.

The only store of `person` and `membership`. How they sign in is `sessions/`.
"""
