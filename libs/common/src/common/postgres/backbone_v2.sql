-- The fence is part of a key: a transaction that locks a lease FOR KEY SHARE holds up whoever takes it
-- over, since that changes the fence, and not the heartbeat, which changes its end alone.
CREATE UNIQUE INDEX lease_fence ON lease (name, fence);
