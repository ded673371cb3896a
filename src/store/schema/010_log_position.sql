-- Where a log record stood among those of its export, from 0: of records of equal time the earlier was made first.
-- A record that is sent again keeps its first position. Records that an older version stored all have 0.
alter table logs add column position uinteger default 0
