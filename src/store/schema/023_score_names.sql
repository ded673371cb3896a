-- What a run was judged for, one a line: of several the lowest number says nothing. The tools that it is known to have called,
-- one a line, also those that did not run as a step of it. Every trace is added up anew.
alter table traces add column score_names varchar;
alter table traces add column called_tools varchar;
update traces set settled_from = 0
