"""The delivery promise.

**An event that was accepted takes effect exactly once, or says why not.** Kafka delivers at least
once; Postgres is the truth. A batch is fetched, decoded and applied in ONE transaction: the domain
writes, the events that follow from them (outbox), the records that could not be taken (dead
letters, parked records) and the position in the log. Either all of it is there or nothing.

States of a consumer
    starting     the client joins the group; nothing is fetched
    positioned   each assigned partition stands at the position stored in Postgres; a partition seen
                 for the first time starts at its earliest record and stores that at once
    working      one transaction a batch, while the next is fetched and decoded in small steps; once
                 a second the stored positions are shown to Kafka, for lag dashboards only
    draining     asked to stop: the batch in hand ends, then the client is closed, in bounded time
    stopped      a position fell off the log: it stops with an alarm that names the remedy

Failures, and what happens
    bad record            a dead letter with reason and remedy, in the transaction; neighbours go on
    a record the handler  the batch is halved until the record stands alone; then a dead letter
    cannot take
    needs what is not yet parked (capped, seven days), replayed by a sweep once it is there
    there
    poisonous source      quarantined alone until lifted: good records parked, bad dead letters
    lost the partition    the position's compare-and-set fails: roll back, reread, seek (the fence)
    database away         roll back, seek back, back off with jitter, try again
    client stuck          no progress while there is lag: the client is thrown away and rebuilt
    client breaks         the same, whatever it raised, a cancellation of its own included; no wait
                          for a client is without a bound, nor is its cancelled call waited for
    broker away           the same, again and again with back-off until it is back
    process killed        its transaction is not there; the next starts at the stored position

Read `consumer` (the member of a group, which outlives its clients), then `batch_loop` (the work),
`assignment` (positions) and `watchdog`.

Events leave by the outbox: rows written in the same transaction, after the aggregate's rows were
locked in key order, so that ids rise per key in commit order. One relay per service holds a session
advisory lock, publishes the lowest ids with an idempotent producer and deletes, per key, up to the
first id not acknowledged. An event may be published twice (a kill between the acknowledgement and
the delete); consumers of state keep the highest revision, consumers of facts dedupe by `ce_id`.
"""
