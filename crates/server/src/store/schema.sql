-- Version 1 of the database of a server's data folder.

CREATE TABLE models (
    id      TEXT PRIMARY KEY,   -- the first 16 hexadecimal digits of the file's SHA-256
    origin  TEXT NOT NULL,      -- 'job' or 'upload'; the embedded model is in no table
    job     TEXT,               -- the job that made it
    created TEXT NOT NULL,      -- RFC 3339, UTC, as all times
    bytes   INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,     -- 'active': the id of the model that answers
    value TEXT NOT NULL
) STRICT;

CREATE TABLE jobs (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they came
    id          TEXT NOT NULL UNIQUE,
    state       TEXT NOT NULL,  -- 'queued', 'running', 'finished', 'failed', 'cancelled'
    recipe      TEXT NOT NULL,  -- its name
    corpus      TEXT NOT NULL,
    recipe_toml TEXT NOT NULL,
    promote     INTEGER NOT NULL,  -- whether its model answers once it is there
    created     TEXT NOT NULL,
    started     TEXT,
    ended       TEXT,
    result      TEXT,           -- JSON
    error       TEXT            -- a problem document
) STRICT;

CREATE TABLE events (
    job    INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    number INTEGER NOT NULL,    -- from 1; the id of the server-sent event
    kind   TEXT NOT NULL,       -- 'epoch' or 'fold'
    fold   INTEGER NOT NULL,    -- from 1; 0 is the training on everything
    step   INTEGER NOT NULL,    -- the epoch from 1; 0 for 'fold'
    data   TEXT NOT NULL,       -- JSON
    PRIMARY KEY (job, number),
    UNIQUE (job, kind, fold, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE feedback (
    id            TEXT PRIMARY KEY,
    created       TEXT NOT NULL,
    model         TEXT NOT NULL,
    predicted     TEXT NOT NULL,
    probabilities TEXT NOT NULL,  -- JSON
    label         TEXT NOT NULL,  -- what the person says
    note          TEXT NOT NULL,
    corpus        TEXT,           -- the recording, where it is one of a corpus
    recording     TEXT,
    audio         TEXT            -- the file below `audio/`, where it is kept
) STRICT;

CREATE TABLE keys (
    name    TEXT PRIMARY KEY,
    hash    TEXT NOT NULL UNIQUE, -- SHA-256 of the key, hexadecimal
    scopes  TEXT NOT NULL,        -- separated by commas
    created TEXT NOT NULL
) STRICT;
