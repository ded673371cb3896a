-- The names of the tools that the runs that are shown are known to have called.
select distinct unnest(string_split(called_tools, chr(10))) from shown where called_tools is not null
union
select distinct tool from steps where kind = 'tool' and tool is not null and {among}
