-- `said` was a riddle: it has which contents the records of a trace carry.
alter table said rename to trace_contents
