"""catalog-service with a large catalogue: every product is evaluated for the first time."""

from functools import partial

from bench.listed.filling import new_database
from bench.sized.place import Place, Step, filled_places

from catalog_service.app import SERVICE
from catalog_service.normalizing.worker import Normalizer
from common.postgres.pool import open_pool


async def evaluate(place: Place) -> None:
    """Turn after turn, as the service runs them, until nothing is dirty."""
    pool = await open_pool(place.url)
    normalizer = Normalizer(pool)
    while await normalizer.run():
        pass
    valid = await pool.fetchval("SELECT count(*) FROM normalized_product WHERE state = 'valid'")
    await pool.close()
    if valid != place.rows:
        raise RuntimeError(f"{valid} of {place.rows} products are valid")


STEPS: dict[str, Step] = {"evaluate": evaluate}


async def _prepared(admin_url: str, rows: int) -> str:
    """A database with simple products, none of them evaluated: its address for the service."""
    from bench import evaluation  # noqa: PLC0415 - not into the process that is measured

    _, url = await new_database(admin_url, f"size_{rows}", SERVICE.migrations)
    pool = await open_pool(url)
    await evaluation.prepare(pool, "simple", rows)
    await pool.close()
    return url


places = partial(filled_places, _prepared)
