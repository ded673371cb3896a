-- The names of the tools that ran in the runs that are shown.
select distinct tool from steps where kind = 'tool' and tool is not null and {among}
