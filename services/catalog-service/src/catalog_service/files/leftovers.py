"""Remove what killed processes left of uploads and imports: rows, pieces and folders."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import structlog

from catalog_service.files.import_file import FOLDER_PREFIX
from catalog_service.files.store import forget_import, list_abandoned
from common import clock
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, each_apart
from common.postgres.unit_of_work import reading, unit_of_work

log = structlog.get_logger()

JOB = "leftovers"
UPLOADS_AT_ONCE = 100
ABANDONED_AFTER = timedelta(days=1)
"""No file is sent, or read, for so long."""

Upload = tuple[str, int]


async def remove_leftovers(pool: Pool) -> bool:
    """Remove folders and uploads that nobody works on any more; whether there may be more."""
    await asyncio.to_thread(remove_folders, Path(tempfile.gettempdir()))
    async with reading(pool) as connection:
        before = clock.now() - ABANDONED_AFTER
        abandoned = await list_abandoned(connection, JOB, before=before, limit=UPLOADS_AT_ONCE)

    async def forget(uploads: Sequence[Upload]) -> None:
        async with unit_of_work(pool) as connection:
            for merchant_id, import_id in uploads:
                await forget_import(connection, merchant_id, import_id)

    await each_apart(pool, JOB, abandoned, forget, key=lambda one: RowKey(one[0], str(one[1])))
    return len(abandoned) == UPLOADS_AT_ONCE


def remove_folders(spool: Path) -> None:
    """Remove the folders of imports in the spool that are this user's and a day old; nothing else,
    and nothing behind a link."""
    old = time.time() - ABANDONED_AFTER.total_seconds()
    for folder in spool.glob(f"{FOLDER_PREFIX}*"):
        found = folder.lstat()
        is_ours = folder.is_dir() and not folder.is_symlink() and found.st_uid == os.getuid()
        if is_ours and found.st_mtime < old:
            log.info("leftovers.folder_removed", folder=folder.name)
            shutil.rmtree(folder, ignore_errors=True)
