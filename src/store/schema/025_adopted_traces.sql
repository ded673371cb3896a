-- Traces that record one call of another trace, which adopted them: their spans and log records have its id in their rows, and
-- their top-most span (`lone`) is beneath the span of that call. What of them comes later goes there as well.
create table adopted_traces (trace uhugeint not null, adopter uhugeint not null, call ubigint not null, lone ubigint not null)
