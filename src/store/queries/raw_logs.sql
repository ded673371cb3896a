-- The log records of one span by time, in the columns of `load_logs.sql`.
select trace, span, happened, position, name, severity, severity_text, text, understood
from logs
where trace = $trace and span = $span
order by happened, position, id
