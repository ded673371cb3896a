-- The relation `shown` of a filter with words: traces in which every one of them occurs, be it in the names of its spans,
-- in the session, the user, the models, or in the messages. A scan: `fts` is an extension, which would have to be
-- downloaded. `contents.text` is in lower case already, as $words are.
select *
from listed
where ($project::varchar is null or project = $project) and ($any_session or session is not distinct from $session::varchar)
    and ($since::ubigint is null or started >= $since)
    and trace in (
        with word as (select unnest($words::varchar[]) as word),
        found as (select word, contents.id from contents, word where contains(contents.text, word)),
        hit as (
            select word, trace
            from traces, word
            where contains(lower(concat_ws(chr(10), name, session, user_id, service, framework, models)), word)
            union all
            select word, trace from spans, word where contains(lower(concat_ws(chr(10), name, agent, tool, model)), word)
            union all
            select word, trace_contents.trace from trace_contents join found on trace_contents.content = found.id
        )
        select trace from hit group by trace having count(distinct word) = (select count(*) from word)
    )
