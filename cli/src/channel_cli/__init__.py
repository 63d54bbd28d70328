"""`channel`: the command line over the services' REST, and what starts and stops the local stack.

Reading order: `settings` (where, and as whom) → `session` (a request, a token, a problem) →
`answers`, `client` (what is asked) → `output` (what a person or a program gets) → `commands`, one
file per thing.
"""
