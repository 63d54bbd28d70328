from common.postgres.migrate import run_environment
from feed_publisher.tables import SCHEMA

run_environment(SCHEMA)
