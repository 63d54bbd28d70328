"""How people sign in: passwords, sessions, and the tokens that sessions are exchanged for.

The only store of `person_password` and `person_session`.
"""
