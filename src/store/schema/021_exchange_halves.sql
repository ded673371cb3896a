-- A record of a request that names its span, or of a response that names none: the hash of what both name, when the
-- request was sent in milliseconds since 1970, and which of the two it is. Null for all other records.
alter table logs add column exchange uhugeint;
alter table logs add column sent ubigint;
alter table logs add column is_response boolean
