-- The newest traces of one session, newest first, and how many it has.
select trace, count(*) over () from listed where session = $session order by started desc, trace desc limit $limit
