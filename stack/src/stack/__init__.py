"""One runner of Postgres, Kafka and the services, used by `make run` and by the tests.

It is for one machine: a person's or CI's. Nothing the product needs in production is in here.
"""
