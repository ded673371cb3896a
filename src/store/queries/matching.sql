-- The relation `hit`: which of $words, all in lower case, occurs in which traces: in the names of its spans and what their
-- status says, in its own names, its failures, or its messages. A scan: `fts` is an extension, which would have to be
-- downloaded. `contents.text` is in lower case already. It is put before a statement as `hit as materialized (…)`.
with word as (select unnest($words::varchar[]) as word),
found as (select word, contents.id from contents, word where contains(contents.text, word))
select word, trace
from
    (
        select
            trace,
            lower(concat_ws(chr(10), name, label, session, user_id, service, framework, models, failure_texts)) as text
        from traces
    ),
    word
where contains(text, word)
union
select word, trace
from (select trace, lower(concat_ws(chr(10), name, agent, tool, model, status_message)) as text from spans), word
where contains(text, word)
union
select word, trace_contents.trace from trace_contents join found on trace_contents.content = found.id
