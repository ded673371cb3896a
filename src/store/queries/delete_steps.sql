-- The steps of some traces from a place on, because others take their places.
delete from steps using (
    select unnest($traces::uhugeint[]) as trace, unnest($places::uinteger[]) as place
) as gone where steps.trace = gone.trace and steps.nth >= gone.place
