"""Tokens are refreshed before they lapse, where an operator wants it and AliExpress gives a
refresh token that can be used (M1.8).
"""
