from common.postgres.migrate import run_environment
from order_importer.tables import SCHEMA

run_environment(SCHEMA)
