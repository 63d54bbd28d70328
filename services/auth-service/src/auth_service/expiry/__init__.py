"""The 30 days of a token: each step towards their end is published once (M1.3, M9.1).

At the end the shop's connection lapses.
"""
