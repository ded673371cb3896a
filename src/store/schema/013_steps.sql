-- One row for each counted model call (`call`, `vectors`), each run of a tool (`tool`) and each cost that a span reports for
-- calls beneath it (`payer`): what statistics add up. Made with the row of `traces`, by `assemble::summarize`. `nth` is its
-- place among those of its trace, from 0; durations are nanoseconds, null while it goes on.
create table steps (
    trace uhugeint not null,
    nth uinteger not null,
    kind varchar not null,
    started ubigint not null,
    lasted ubigint,
    first_token ubigint,
    model varchar,
    agent varchar,
    tool varchar,
    uncached_input ubigint,
    cache_read ubigint,
    cache_write ubigint,
    output ubigint,
    reasoning ubigint,
    cost bigint,
    unpriced boolean not null,
    failed boolean not null
);
-- The worst repeat: how often the tool was called, whether that is a loop, and the cost of what came after it began. The
-- last failure in a line; whether the last answer was cut off; the share of its window that the largest prompt filled, in
-- thousandths. Every trace is added up anew.
alter table traces add column repeats ubigint default 0;
alter table traces add column is_loop boolean default false;
alter table traces add column repeat_tool varchar;
alter table traces add column repeat_cost bigint;
alter table traces add column failure varchar;
alter table traces add column cut_off boolean default false;
alter table traces add column filled ubigint;
update traces set settled_from = 0
