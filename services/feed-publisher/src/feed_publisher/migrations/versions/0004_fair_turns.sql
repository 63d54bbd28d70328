-- When a run has its next turn, by the system's clock: who waits longest comes first.
ALTER TABLE feed_run ADD COLUMN next_turn_at timestamptz NOT NULL DEFAULT '-infinity';

-- Dry runs of one feed and kind that are queued are one.
UPDATE feed_run AS r SET state = 'superseded', finished_at = asked_at
WHERE state = 'queued' AND is_dry_run AND EXISTS (
    SELECT 1 FROM feed_run AS newer
    WHERE newer.merchant_id = r.merchant_id AND newer.feed_id = r.feed_id AND newer.kind = r.kind
        AND newer.state = 'queued' AND newer.is_dry_run
        AND (newer.asked_at, newer.run_id) > (r.asked_at, r.run_id));
DROP INDEX feed_run_queued;
CREATE UNIQUE INDEX feed_run_queued ON feed_run (merchant_id, feed_id, kind, is_dry_run)
    WHERE state = 'queued';
