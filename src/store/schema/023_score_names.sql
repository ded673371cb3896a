-- What a run was judged for, one a line: of several the lowest number says nothing. Every trace is added up anew.
alter table traces add column score_names varchar;
update traces set settled_from = 0
