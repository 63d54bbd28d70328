-- A plan is made in pieces: how far it is, how many items it has, and their hash so far.
ALTER TABLE feed_run
    ADD COLUMN planned_through text NOT NULL DEFAULT '',
    ADD COLUMN planned_items integer NOT NULL DEFAULT 0,
    ADD COLUMN planned_digest text NOT NULL DEFAULT '';
