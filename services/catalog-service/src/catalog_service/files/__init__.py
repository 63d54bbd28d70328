"""A catalogue file becomes rows of its catalogue: uploads, their reading, problems, deletions.
The store of `catalogue_import`, `import_chunk` and `import_problem`."""
