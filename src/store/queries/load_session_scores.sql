-- The newest scores of a session that name no trace, with the columns of `load_logs.sql`.
select trace, span, happened, position, name, severity, severity_text, text, understood
from logs
where trace is null and session = $session and name = 'gen_ai.evaluation.result'
order by happened desc, id
limit $limit
