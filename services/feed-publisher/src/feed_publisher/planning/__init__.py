"""Pure: the difference between desired and accepted, made into a plan under the API's limits."""
