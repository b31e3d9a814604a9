-- A record of a call that both took part in, or that was declined, is nothing to be read: it does not count as unread.
ALTER TABLE message ADD COLUMN news INTEGER NOT NULL DEFAULT 1 CHECK (news IN (0, 1));
UPDATE message SET news = 0
    WHERE kind = 'call' AND body NOT LIKE '%"outcome":"missed"%' AND body NOT LIKE '%"outcome":"canceled"%'
        AND body NOT LIKE '%"outcome":"busy"%';
