-- What this file is, a fact a row. `schema` is how many of these files were applied to it.
create table meta (name varchar not null, value ubigint not null)
