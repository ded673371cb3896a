-- When a program ended that had sent some of a trace that was not complete then, as `run` saw it end. A trace that several
-- programs sent has a row for each.
create table program_ends (trace uhugeint not null, ended ubigint not null);
-- The last of them, in the row that lists show. Every trace is added up anew: what a call cost that broke off is unknown.
alter table traces add column program_ended ubigint;
update traces set settled_from = 0
