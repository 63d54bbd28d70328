"""Authorisation codes and access tokens of both platforms."""
