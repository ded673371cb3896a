//! Rows as the store would make them of many runs, put into its file.

use std::path::Path;

use duckdb::Connection;

/// Rows of `traces`, one for each run: each has five steps.
pub const TRACES: &str = "
    insert into traces by name
    select
        (n * 7919)::uhugeint as trace, 'default' as project, 'invoke_agent' as name, 'session-' || n // 4 as session,
        'user-' || n % 500 as user_id, 'question ' || n as question,
        (1750000000000000000 + n * 10000000000)::ubigint as started,
        (1750000000000000000 + n * 10000000000 + (n * 7919 % 9000) * 1000000)::ubigint as ended,
        (1750000000000000000 + n * 10000000000 + (n * 7919 % 9000) * 1000000)::ubigint as last_seen,
        case when n % 20 = 0 then 'error' else 'ok' end as state, 5 as spans, 'gpt-4o' as models,
        1000 as uncached_input, 100 as output, (n * 7919 % 1000000007) as cost, 3 as priced, 0 as unpriced,
        3 as model_calls, 2 as tool_calls, 0 as failed_tools, (n % 20 = 0)::ubigint as errors, true as has_ai,
        $spans as settled_from, 'agent ' || n % 40 as label, if(n % 50 = 0, 4, 0) as repeats, n % 50 = 0 as is_loop,
        if(n % 50 = 0, 'tool 1', null) as repeat_tool, if(n % 20 = 0, 'ValidationError', null) as failure_kinds,
        if(n % 20 = 0, 'ValidationError: guests must be >= 1', null) as failure_texts
    from range($runs) as of (n)";

/// The rows of `steps` of all runs.
pub const STEPS: &str = "
    insert into steps by name
    select
        (n // 5 * 7919)::uhugeint as trace, n % 5 as nth, if(n % 5 < 3, 'call', 'tool') as kind,
        (1750000000000000000 + n * 2000000000)::ubigint as started, (n * 7919 % 9000000007)::ubigint as lasted,
        if(n % 5 < 3, (n * 104729 % 900000007)::ubigint, null) as first_token,
        if(n % 5 < 3, 'model ' || n % 12, null) as model, 'agent ' || n % 40 as agent,
        if(n % 5 < 3, null, 'tool ' || n % 60) as tool, 400 as uncached_input, 40 as output,
        if(n % 5 < 3, n * 7919 % 1000000007, null)::bigint as cost, false as unpriced, n % 50 = 0 as failed,
        if(n % 5 < 3, 'end_turn', null) as finish
    from range($runs * 5) as of (n)";

/// Puts rows of so many runs into the file of a store that nobody has open. `spans`: how many spans of each run are stored
/// as well: a run that was made from another number would be made anew.
pub fn fill(path: &Path, statements: &[&str], runs: u32, spans: u32) {
    let connection = Connection::open(path).unwrap();
    for statement in statements {
        let statement = statement.replace("$runs", &runs.to_string()).replace("$spans", &spans.to_string());
        connection.execute_batch(&statement).unwrap();
    }
    connection.execute_batch("checkpoint").unwrap();
}
