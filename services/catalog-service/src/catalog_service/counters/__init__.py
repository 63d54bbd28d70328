"""Counts that lists and reports show, kept by the transactions that change what they count: the
triggers of the migration that made `counter` add to `counter_change`, the job here sums it up. The
store of both tables."""
