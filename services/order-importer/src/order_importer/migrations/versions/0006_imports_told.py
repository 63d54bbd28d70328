"""Imports count what they could not read, read again on request, and say when they are late; each
shop is read deeply every night and audited every month."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE order_import"
        " ADD COLUMN orders_unreadable integer NOT NULL DEFAULT 0,"
        " ADD COLUMN reads_from timestamptz,"
        " ADD COLUMN is_late boolean NOT NULL DEFAULT false,"
        " DROP CONSTRAINT order_import_cause_check, ADD CONSTRAINT order_import_cause_check"
        " CHECK (cause IN"
        " ('schedule', 'asked', 'connected', 'shipment', 'nightly', 'audit'))"
    )
    for kind, rhythm, due in (
        ("order-reread", "NULL, time '02:00', 'UTC'", "12 hours"),
        ("order-audit", f"{30 * 86_400}, NULL, NULL", "1 day"),
    ):
        op.execute(
            "INSERT INTO schedule (kind, merchant_id, subject, every_seconds, daily_at, zone,"
            f" next_due_at, is_paused, pause_reason) SELECT '{kind}', merchant_id, subject,"
            f" {rhythm}, next_due_at + interval '{due}', is_paused, pause_reason"
            " FROM schedule WHERE kind = 'order-import'"
        )
    op.execute(
        "CREATE TABLE order_audit ("
        " audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " merchant_id text NOT NULL, shop_id text NOT NULL, cause text NOT NULL,"
        " state text NOT NULL DEFAULT 'due', requested_at timestamptz NOT NULL,"
        " next_try_at timestamptz NOT NULL, attempts integer NOT NULL DEFAULT 0,"
        " placed_from timestamptz, placed_to timestamptz, compared integer, pending integer,"
        " differences integer, problem text, ended_at timestamptz,"
        " FOREIGN KEY (merchant_id, shop_id) REFERENCES shop (merchant_id, shop_id))"
    )
    op.execute(
        "CREATE UNIQUE INDEX order_audit_due ON order_audit (merchant_id, shop_id)"
        " WHERE state = 'due'"
    )
    op.execute("CREATE INDEX order_audit_open ON order_audit (next_try_at) WHERE state = 'due'")
    op.execute(
        "CREATE INDEX order_audit_history ON order_audit (merchant_id, shop_id, audit_id DESC)"
    )
    op.execute(
        "CREATE TABLE order_audit_difference ("
        " audit_id bigint NOT NULL REFERENCES order_audit (audit_id),"
        " order_id text NOT NULL, kind text NOT NULL, ours text, theirs text,"
        " PRIMARY KEY (audit_id, order_id, kind))"
    )
