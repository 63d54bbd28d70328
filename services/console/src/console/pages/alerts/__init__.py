"""Alerts: what was I told, and what do I want to be told?"""
