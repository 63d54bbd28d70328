"""Mutants: small patches that lose or double things, each with the test that must catch it.

A patch begins with what it does and a line `Caught by:`, the arguments for pytest. It is applied
with a three-way merge, so that edits nearby do not matter. Where one applies no more, make its
change again by hand and write it down, with the same two lines before it:

    git diff --full-index > tests/mutants/NAME.patch
"""
