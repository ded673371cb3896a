-- What a run was judged by: the lowest score that it or a step of it was given; where nothing has a score, the last label.
-- Every trace is added up anew.
alter table traces add column score double;
alter table traces add column score_label varchar;
update traces set settled_from = 0
