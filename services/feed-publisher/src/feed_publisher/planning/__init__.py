"""The difference between desired and accepted as a plan under the API's limits, and the payload.
Pure but for `make_plan`, which reads the marked families and seals the plan."""
