-- What a trace waits for (`spans`, `root`, `late`; null: it is complete), until when it counts as running, how many tool
-- calls have no result, and the name that people gave. Every trace is added up anew.
alter table traces add column waits varchar;
alter table traces add column running_until ubigint;
alter table traces add column pending_tools ubigint default 0;
alter table traces add column label varchar;
update traces set settled_from = 0
