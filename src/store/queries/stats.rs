//! The statistics of the runs that a filter lets through, and what runs of one name cost.

use std::{borrow::Cow, panic::resume_unwind, thread, time::Duration};

use duckdb::{Connection, Row, types::Value as Sql};

use super::{
    Asked, begin_to_read, count, limit, maybe_count, maybe_text, offers::Offers, repeat, states, sum_of_costs, totals,
};
use crate::{
    model::{
        Attention, CacheBreak, Filter, Group, Groups, Only, Outcomes, SessionId, Spend, Spread, Stats, Timed,
        Timestamp, TokenUsage, TraceId, Usd, Within, nanoseconds,
    },
    store::{
        DatabaseError,
        pool::PooledConnection,
        rows::{trace_id, trace_number, uhugeints},
    },
};

/// Runs that a run is compared with at most.
const USUAL_OF: usize = 20;

/// Percentiles of more runs or steps than this are found in buckets, each 2 % wide: to sort all of them takes longer than
/// anybody waits for a screen.
const EXACT: u64 = 10_000;

/// All statistics, as of one moment: the caller must have begun a transaction. `pooled`: what the connection is of. Two
/// connections read at the same time, as the engine plans each statement on one thread, which takes a third of the time.
pub fn stats(
    connection: &Connection,
    pooled: &PooledConnection,
    filter: &Filter,
    stretch: Option<Duration>,
) -> Result<Stats, DatabaseError> {
    let beside = pooled.beside();
    // Before commits are held up: to open a connection waits for a checkpoint, which waits for what is being committed.
    beside.with(begin_to_read)?;
    let stats = of_two(connection, pooled, filter, stretch);
    // However it ended: while it is open the engine keeps all that is replaced and removed.
    if beside.with(|beside| Ok(beside.execute_batch("rollback")?)).is_err() {
        beside.close();
    }
    stats
}

/// The same, once a transaction was begun on both connections.
fn of_two(
    connection: &Connection,
    pooled: &PooledConnection,
    filter: &Filter,
    stretch: Option<Duration>,
) -> Result<Stats, DatabaseError> {
    let beside = pooled.beside();
    // The moment that a transaction sees is that of its first look at the store.
    let look = |connection: &Connection| Ok(connection.query_row("select value from meta limit 1", [], |_| Ok(()))?);
    let both = pooled.between_commits(|| {
        look(connection)?;
        beside.with(look)
    })?;
    let listed = listed(connection)?;
    let (stats, found) = if both.is_some() {
        thread::scope(|scope| {
            let found = scope.spawn(|| beside.with(|beside| found(beside, filter, listed)));
            let stats = counted_stats(connection, filter, listed, stretch);
            let found = found.join().unwrap_or_else(|panic| resume_unwind(panic));
            Ok::<_, DatabaseError>((stats?, found?))
        })?
    } else {
        (counted_stats(connection, filter, listed, stretch)?, found(connection, filter, listed)?)
    };
    let Found { by_session, sessions, users, attention, dear, offers } = found;
    let mut stats = Stats { sessions, dear, by_session, users, attention, ..stats };
    offers.add_to(&mut stats.tools);
    Ok(stats)
}

/// The statistics but for what is [`Found`].
fn counted_stats(
    connection: &Connection,
    filter: &Filter,
    listed: &str,
    stretch: Option<Duration>,
) -> Result<Stats, DatabaseError> {
    let ask = |statement: &str| Asked::of_many(filter, listed, statement).map(Asked::most);
    let all = Asked::of_many(filter, listed, include_str!("stats_runs.sql"))?.rows(connection, runs)?;
    let (mut stats, seen) = all.into_iter().next().unwrap_or_default();
    let exact_runs = stats.states.all() <= EXACT;
    let exact_steps = stats.totals.model_calls.saturating_add(stats.totals.tool_calls) <= EXACT;
    stats.rounded = !exact_runs || !exact_steps;
    let asked = Asked::of_many(filter, listed, include_str!("stats_times.sql"))?;
    for (took, cost) in asked.with("exact", Sql::Boolean(exact_runs)).rows(connection, times)? {
        stats.run = stats.run.or(took);
        stats.cost_of_run = stats.cost_of_run.or(cost);
    }
    let exact = || Sql::Boolean(exact_steps);
    let asked = ask(include_str!("stats_calls.sql"))?.with("exact", exact());
    let nanos = Duration::from_nanos;
    let call = |row: &Row| group(row, counted(row, 15, nanos)?, counted(row, 17, nanos)?);
    for (level, group, total) in asked.rows(connection, call)? {
        match level {
            3 => (stats.call, stats.first_token) = (group.took, group.first_token),
            1 => stats.models.add(group, total),
            _ => stats.agents.add(group, total),
        }
    }
    let asked = ask(include_str!("stats_tools.sql"))?.with("exact", exact());
    let tool = |row: &Row| group(row, counted(row, 15, nanos)?, None);
    for (level, group, total) in asked.rows(connection, tool)? {
        if level == 1 {
            stats.tool = group.took;
        } else {
            stats.tools.add(group, total);
        }
    }
    stats.spend = spend(connection, filter, listed, (stretch, seen))?;
    Ok(stats)
}

/// The groups of runs, and the runs that somebody should look at.
#[derive(Default)]
struct Found {
    by_session: Groups,
    sessions: u64,
    users: Groups,
    attention: Vec<Attention>,
    dear: u64,
    offers: Offers,
}

fn found(connection: &Connection, filter: &Filter, listed: &str) -> Result<Found, DatabaseError> {
    let ask = |statement: &str| Asked::of_many(filter, listed, statement).map(Asked::most);
    let mut found = Found { offers: Offers::of(connection, filter, listed)?, ..Found::default() };
    for (column, groups) in [("session", &mut found.by_session), ("user_id", &mut found.users)] {
        let asked = ask(&include_str!("stats_groups.sql").replace("{column}", column))?;
        for ((_, group, total), named) in
            asked.rows(connection, |row| Ok((group(row, durations(row, 15)?, None)?, count(row, 18)?)))?
        {
            groups.add(group, total);
            if column == "session" {
                found.sessions = named;
            }
        }
    }
    let asked = ask(include_str!("stats_attention.sql"))?;
    for (attention, dear) in asked.rows(connection, |row| Ok((attention(row)?, count(row, 19)?)))? {
        found.attention.extend(attention);
        found.dear = dear;
    }
    Ok(found)
}

/// What makes the relation `listed`. Where no trace may have to be left out of it, which is mostly so, it is shorter: it is
/// computed several times.
fn listed(connection: &Connection) -> Result<&'static str, DatabaseError> {
    let any = connection.prepare_cached(include_str!("any_silent.sql"))?.query_row([], |row| row.get::<_, bool>(0))?;
    Ok(if any { super::LISTED } else { include_str!("listed.sql") })
}

/// What the newest runs before a run cost that have its label, the newest first.
pub fn usual(connection: &Connection, trace: TraceId) -> Result<Vec<Usd>, DatabaseError> {
    let statement = format!("with listed as (\n{})\n{}", super::LISTED, include_str!("usual_of_run.sql"));
    let mut statement = connection.prepare_cached(&statement)?;
    let mut found = statement.query(duckdb::named_params! {
        "trace": Sql::UHugeInt(trace_number(&trace)), "limit": limit(USUAL_OF), "now": Timestamp::now().0,
    })?;
    let mut costs = Vec::new();
    while let Some(row) = found.next()? {
        costs.push(Usd(row.get(0)?));
    }
    Ok(costs)
}

impl Groups {
    fn add(&mut self, group: Group, total: u64) {
        // What names no model, agent, tool, session or user is a group only if there is anything in it.
        if group.name.is_some() || group.calls > 0 || group.runs > 0 || group.cost != Usd(0) {
            self.rows.push(group);
        }
        self.total = total;
    }
}

/// The first statement's row, and from when to when the runs are.
fn runs(row: &Row) -> Result<(Stats, Option<(u64, u64)>), DatabaseError> {
    let stats = Stats {
        states: states(row, 0)?,
        spans: count(row, 6)?,
        totals: totals(row, 7)?,
        loops: count(row, 20)?,
        cut_off: count(row, 21)?,
        full: count(row, 22)?,
        unanswered: count(row, 23)?,
        cache_breaks: count(row, 24)?,
        ..Stats::default()
    };
    Ok((stats, maybe_count(row, 25)?.zip(maybe_count(row, 26)?)))
}

/// What runs took, or what they cost.
type Times = (Option<Spread<Duration>>, Option<Spread<Usd>>);

fn times(row: &Row) -> Result<Times, DatabaseError> {
    Ok(match row.get::<_, String>(0)?.as_str() {
        "took" => (counted(row, 1, Duration::from_nanos)?, None),
        _ => (None, counted(row, 1, |cost| Usd(i64::try_from(cost).unwrap_or(i64::MAX)))?),
    })
}

/// A row of groups: its level, the group, and how many there are in that level. What it took, and how long until the first
/// token, stand differently in each statement.
fn group(
    row: &Row,
    took: Option<Spread<Duration>>,
    first_token: Option<Spread<Duration>>,
) -> Result<(u64, Group, u64), DatabaseError> {
    let group = Group {
        name: row.get(1)?,
        runs: count(row, 3)?,
        calls: count(row, 4)?,
        failed: count(row, 5)?,
        loops: count(row, 6)?,
        usage: TokenUsage {
            uncached_input: maybe_count(row, 7)?,
            cache_read: maybe_count(row, 8)?,
            cache_write: maybe_count(row, 9)?,
            output: maybe_count(row, 10)?,
            reasoning: maybe_count(row, 11)?,
        },
        cost: sum_of_costs(row, 12)?,
        priced: count(row, 13)?,
        unpriced: count(row, 14)?,
        took,
        first_token,
        offered: None,
    };
    Ok((count(row, 0)?, group, count(row, 2)?))
}

/// Three columns: the median, the 95th percentile and the largest of durations in nanoseconds.
fn durations(row: &Row, first: usize) -> Result<Option<Spread<Duration>>, DatabaseError> {
    let column = |at: usize| Ok::<_, DatabaseError>(maybe_count(row, first + at)?.map(Duration::from_nanos));
    Ok(match (column(0)?, column(1)?, column(2)?) {
        (Some(p50), Some(p95), Some(max)) => Some(Spread { p50, p95, max }),
        _ => None,
    })
}

/// Two columns: how many values there are in each bucket, and the largest value in it, in the same order. A percentile is the
/// largest value of the bucket that it falls into.
fn counted<T>(row: &Row, first: usize, value: fn(u64) -> T) -> Result<Option<Spread<T>>, DatabaseError> {
    let (numbers, largest) = (super::numbers(row, first)?, super::numbers(row, first + 1)?);
    let mut buckets: Vec<(u64, u64)> = largest.into_iter().zip(numbers).collect();
    buckets.sort_unstable();
    let total = buckets.iter().map(|(_, number)| u128::from(*number)).sum::<u128>();
    // The first bucket that so many hundredths of the values are not above.
    let at = |share: u128| {
        let mut up_to = 0;
        let mut reached = buckets.iter().filter(|(_, number)| {
            up_to += u128::from(*number);
            up_to * 100 >= total * share
        });
        reached.next().map(|(largest, _)| value(*largest))
    };
    Ok(match (at(50), at(95), buckets.last()) {
        (Some(p50), Some(p95), Some((max, _))) => Some(Spread { p50, p95, max: value(*max) }),
        _ => None,
    })
}

/// What was spent over time. `seen`: from when to when the runs are.
fn spend(
    connection: &Connection,
    filter: &Filter,
    listed: &str,
    (stretch, seen): (Option<Duration>, Option<(u64, u64)>),
) -> Result<Spend, DatabaseError> {
    let Some((first, last)) = seen else { return Ok(Spend::default()) };
    let from = filter.since.map_or(first, |since| since.0);
    let stretch = stretch.map_or(last.saturating_sub(from) / Stats::STRETCHES + 1, nanoseconds).max(1);
    let asked = Asked::of_many(filter, listed, include_str!("stats_spend.sql"))?
        .with("from", Sql::UBigInt(from))
        .with("stretch", Sql::UBigInt(stretch))
        .with("last", Sql::UBigInt(Stats::STRETCHES - 1));
    let mut costs = Vec::new();
    for (nth, cost) in asked.rows(connection, |row| Ok((count(row, 0)?, count(row, 1)?)))? {
        let nth = usize::try_from(nth).unwrap_or_default();
        costs.resize(nth, Usd(0));
        costs.push(Usd(i64::try_from(cost).unwrap_or(i64::MAX)));
    }
    Ok(Spend { from: Timestamp(from), stretch: Duration::from_nanos(stretch), costs })
}

fn attention(row: &Row) -> Result<Option<Attention>, DatabaseError> {
    let why = maybe_text(row, 5)?.and_then(|why| Outcomes::ALL.into_iter().find(|one| one.as_str() == why));
    let (Some(trace), Some(why)) = (trace_id(row.get(0)?), why) else { return Ok(None) };
    Ok(Some(Attention {
        trace,
        session: maybe_text(row, 1)?.map(SessionId::from),
        label: row.get(2)?,
        question: row.get(3)?,
        started: Timestamp(row.get(4)?),
        why,
        failure: row.get(6)?,
        repeat: repeat(row, 7)?,
        filled: maybe_count(row, 11)?,
        unanswered: row.get(12)?,
        cache_break: match (maybe_count(row, 13)?, maybe_count(row, 14)?, maybe_count(row, 15)?) {
            (Some(before), Some(after), Some(turn)) => Some(CacheBreak { before, after, turn }),
            _ => None,
        },
        cost: row.get::<_, Option<i64>>(16)?.map(Usd),
        usual: row.get::<_, Option<i64>>(17)?.map(Usd),
        unpriced: row.get(18)?,
    }))
}

/// The condition on a row of `listed` that it is of what a statistic counts, with its parameters.
pub fn condition(only: &Only) -> (Cow<'static, str>, Vec<(&'static str, Sql)>) {
    let of = |condition: &'static str, parameter: Sql| (condition.into(), vec![("only", parameter)]);
    let lasts = |time: &Duration| Sql::UBigInt(nanoseconds(*time));
    match only {
        Only::Model(name) | Only::Agent(name) => (
            format!("trace in (select trace from steps where {})", of_steps(only)).into(),
            vec![("only", text(name.as_ref()))],
        ),
        Only::Tool(name) => (
            format!("trace in (select trace from steps where {})", of_steps(only)).into(),
            vec![("only", text(Some(name)))],
        ),
        Only::Offered(_, offers) => of(
            "trace in (select trace from trace_contents where content in (select unnest($only::uhugeint[]) as content))",
            uhugeints(offers.iter().map(|list| list.0)),
        ),
        Only::User(user) => of(OF_USER, text(user.as_ref())),
        Only::Run(trace) => of("trace = $only", Sql::UHugeInt(trace_number(trace))),
        Only::Outcome(outcome) => (outcome_condition(*outcome).into(), Vec::new()),
        Only::Took(Timed::Run, time) => (format!("{LASTED} >= $only").into(), vec![("only", lasts(time))]),
        Only::Took(Timed::Call, time) => {
            of("trace in (select trace from steps where kind = 'call' and lasted >= $only)", lasts(time))
        }
        Only::Took(Timed::FirstToken, time) => {
            of("trace in (select trace from steps where first_token >= $only)", lasts(time))
        }
        Only::Took(Timed::Tool, time) => {
            of("trace in (select trace from steps where kind = 'tool' and lasted >= $only)", lasts(time))
        }
        Only::Cost(cost) => of("not running and priced > 0 and unpriced = 0 and cost >= $only", Sql::BigInt(cost.0)),
        Only::Of(group, within) => condition_within(group, *within),
    }
}

/// How long a run lasted that has ended; it stands before a comparison.
const LASTED: &str = "not running and not coalesce(never_ended, false) and started > 0 and ended >= started
                and ended - started";
const OF_USER: &str = "user_id is not distinct from $only::varchar";

fn text(text: Option<&String>) -> Sql {
    text.cloned().map_or(Sql::Null, Sql::Text)
}

/// The condition on a row of `steps` that it is of a model, an agent or a tool; of anything else there is none.
fn of_steps(group: &Only) -> &'static str {
    match group {
        Only::Model(_) => "kind <> 'tool' and model is not distinct from $only::varchar",
        Only::Agent(_) => "kind <> 'tool' and agent is not distinct from $only::varchar",
        Only::Tool(_) => "tool = $only",
        _ => "true",
    }
}

/// See [`Only::Of`]. Of whatever is no model, agent, tool or user nothing is left out.
fn condition_within(group: &Only, within: Within) -> (Cow<'static, str>, Vec<(&'static str, Sql)>) {
    let (whole, mut parameters) = condition(group);
    let steps = of_steps(group);
    let is_of_steps = matches!(group, Only::Model(_) | Only::Agent(_) | Only::Tool(_));
    let in_steps = |beside: &str| format!("trace in (select trace from steps where {steps} and {beside})");
    let sql = match within {
        Within::Failed if is_of_steps => in_steps("failed"),
        Within::Failed => format!("{whole} and failed"),
        Within::Loop if matches!(group, Only::Tool(_)) => "is_loop and repeat_tool = $only".to_owned(),
        Within::Loop => format!("{whole} and is_loop"),
        Within::Took(time) | Within::FirstToken(time) => {
            parameters.push(("within", Sql::UBigInt(nanoseconds(time))));
            match (within, group) {
                (Within::FirstToken(_), _) if is_of_steps => in_steps("first_token >= $within"),
                (Within::FirstToken(_), _) => {
                    format!("{whole} and trace in (select trace from steps where first_token >= $within)")
                }
                (_, Only::Tool(_)) => in_steps("lasted >= $within"),
                _ if is_of_steps => in_steps("kind = 'call' and lasted >= $within"),
                _ => format!("{whole} and {LASTED} >= $within"),
            }
        }
    };
    (sql.into(), parameters)
}

pub fn outcome_condition(outcome: Outcomes) -> &'static str {
    match outcome {
        Outcomes::Done => "not running and not coalesce(never_ended, false) and not failed and not recovered",
        Outcomes::Recovered => "recovered",
        Outcomes::Failed => "failed",
        Outcomes::NeverEnded => "never_ended",
        Outcomes::Running => "running",
        Outcomes::Loop => "is_loop",
        Outcomes::CutOff => "cut_off",
        Outcomes::Full => "filled >= 900",
        Outcomes::Unanswered => "unanswered is not null",
        Outcomes::CacheBreak => "cache_turn is not null",
        Outcomes::Dear => {
            "not running and priced > 0 and unpriced = 0
                and cost >= 3::hugeint * (select usual.median from usual where usual.label = listed.label)"
        }
    }
}
