"""Answers what became of every item, product and SKU.
Reads only; its store joins the tables of other slices."""
