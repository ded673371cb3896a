-- The lists of tools that the runs that are shown were offered.
select id, body
from contents
where kind = 'tools' and {offered}
order by id
limit $lists
