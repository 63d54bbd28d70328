"""Applies a plan: intent, call, outcome; lost answers are settled by reading."""
