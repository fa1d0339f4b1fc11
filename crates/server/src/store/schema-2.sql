-- Version 2.

-- How often a job was taken up since it last got further (an epoch, a fold), or the server last ended in good order.
ALTER TABLE jobs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
