"""The merchants of this installation, and who of them may sell on AliExpress (M1.1).

The only store of `merchant`; it asks no other slice.
"""
