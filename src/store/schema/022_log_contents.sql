-- Which messages a log record without a trace carries, so that those that nothing carries any more can be removed. Of the
-- records that were stored before, `log_contents::name_all` finds out.
create table log_contents (log uhugeint not null, content uhugeint not null)
