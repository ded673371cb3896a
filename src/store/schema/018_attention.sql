-- Where the share of a prompt that was read from a cache fell sharply: the shares before and after, in thousandths, and the
-- turn; the tool that a run did without the result of. Every trace is added up anew.
alter table traces add column cache_before ubigint;
alter table traces add column cache_after ubigint;
alter table traces add column cache_turn ubigint;
alter table traces add column unanswered varchar;
update traces set settled_from = 0
