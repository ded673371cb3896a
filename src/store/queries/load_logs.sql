-- The log records of some traces, without their raw form.
select trace, span, happened, position, name, severity, severity_text, text, understood
from logs
where trace in (select unnest($traces::uhugeint[]) as trace)
