-- The newest scores of some sessions that name no trace, with the columns of `load_logs.sql` and the session.
select trace, span, happened, position, name, severity, severity_text, text, understood, session
from logs
where trace is null and name = 'gen_ai.evaluation.result'
    and session in (select unnest($sessions::varchar[]) as session)
order by happened desc, id
limit $limit
