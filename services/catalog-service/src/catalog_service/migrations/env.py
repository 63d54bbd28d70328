from catalog_service.tables import SCHEMA
from common.postgres.migrate import run_environment

run_environment(SCHEMA)
