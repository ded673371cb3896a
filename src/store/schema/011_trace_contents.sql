-- Which contents the spans and log records of a trace carry; the table was called `said`.
alter table said rename to trace_contents
