from common.postgres.migrate import run_environment

run_environment()
