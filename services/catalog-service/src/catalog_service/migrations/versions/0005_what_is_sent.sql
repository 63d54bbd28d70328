-- When a family is to be evaluated again although nothing of it changes: a sale begins or ends.
ALTER TABLE normalized_product ADD COLUMN due_at timestamptz;
CREATE INDEX normalized_product_due ON normalized_product (due_at) WHERE due_at IS NOT NULL;

-- Whether the family's row had children: it is no simple product when they are gone.
ALTER TABLE normalized_product ADD COLUMN is_parent boolean NOT NULL DEFAULT false;
UPDATE normalized_product SET is_parent = true
WHERE json_array_length(coalesce(event::json -> 'product_ids', '[]')) > 1;

-- What AliExpress shows with a shop's products; no currency: it was looked for, the shop is empty.
CREATE TABLE shop_currency (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    currency text,
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, shop_id)
);
