-- The values of one facet in the runs that are shown, those of most runs first, and how many there are.
-- {values} stands for `value` and `trace` of each.
select value, count(distinct trace) as runs, count(*) over () as total
from ({values})
where value <> '' and contains(lower(value), $part) and {among}
group by value
order by runs desc, value
limit $limit
