-- Which contents the spans and log records of a trace carry: for text search, and to know a content nobody carries.
create table said (trace uhugeint not null, content uhugeint not null)
