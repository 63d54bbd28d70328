-- How the files of a catalogue name products and their parents; NULL is found out.
ALTER TABLE catalogue ADD COLUMN id_field text, ADD COLUMN parent_field text;

-- Rows that a file holds once more, the same.
ALTER TABLE catalogue_import ADD COLUMN repeated bigint NOT NULL DEFAULT 0;
