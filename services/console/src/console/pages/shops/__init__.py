"""Shops and their connections to AliExpress."""
