"""What metrics show of all feeds: runs that wait, changes withheld, jobs that are stuck."""
