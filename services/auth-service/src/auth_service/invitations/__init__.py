"""Links that let people in: invitations, and links to set a forgotten password.

The only store of `single_use_link`.
"""
