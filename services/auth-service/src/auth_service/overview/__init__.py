"""What operators see of all merchants' shops at a glance; reads only."""
