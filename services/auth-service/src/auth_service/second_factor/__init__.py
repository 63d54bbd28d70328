"""A second factor of a person's sign-in: codes of an app (TOTP) and codes on paper.

The only store of `second_factor` and `recovery_code`.
"""
