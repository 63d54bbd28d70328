"""What every method answers, described once as data: name, element, kind and certainty."""
