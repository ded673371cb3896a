-- The places that somebody marked with a letter, to come back to: a run, or with `span` a step of it. A letter marks one
-- place. Marked traces are kept where others are removed for their age or size.
create table marks (
    letter varchar not null,
    trace uhugeint not null,
    span ubigint,
    note varchar not null,
    marked ubigint not null
);
