//! The statistics add up to what the lists say, every row of them opens the runs behind it, and the command prints what
//! the screen shows.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;
use sideseat_tui::{
    app::stats::{Opens, Panel, Range},
    model::{
        Answer, Content, Filter, Group, Only, Outcomes, Overview, Query, RunState, SessionId, Stats, Subject,
        Timestamp, TokenUsage, TraceId, TraceSummary, Usd,
    },
    store::{Marked, Place, Store},
};

use crate::{
    program::{Home, fixture},
    replay::{captures, list, prices, send, store_of},
    scene::Scene,
    screens::{SIZES, keep},
};

fn stats_of(store: &Store, filter: Filter) -> Arc<Stats> {
    let query = Query::Stats { filter, stretch: Range::All.stretch() };
    match store.answer(&query) {
        Ok(Answer::Stats(stats)) => stats,
        other => panic!("{other:?}"),
    }
}

fn overview(store: &Store, filter: Filter) -> Overview {
    match store.answer(&Query::Overview { filter, today: None }) {
        Ok(Answer::Overview(overview)) => *overview,
        other => panic!("{other:?}"),
    }
}

/// All runs of a store.
fn runs(store: &Store, filter: &Filter) -> Vec<TraceSummary> {
    let query = Query::Sessions { filter: filter.clone(), limit: usize::MAX };
    let Ok(Answer::Sessions(sessions)) = store.answer(&query) else { panic!("no sessions") };
    let of = |session: Option<SessionId>| {
        let query = Query::Traces { session, filter: filter.clone(), limit: usize::MAX };
        let Ok(Answer::Traces(page)) = store.answer(&query) else { panic!("no traces") };
        page.rows
    };
    sessions.rows.into_iter().flat_map(|row| of(row.session)).collect()
}

/// A store that was sent every capture.
fn everything() -> Store {
    let store = store_of(&[]);
    for capture in captures() {
        send(&store, &capture.bodies());
    }
    store
}

#[test]
fn each_panel_adds_up_to_the_sums_of_the_lists() {
    for capture in captures() {
        let store = store_of(&capture.bodies());
        let (stats, sums) = (stats_of(&store, Filter::default()), overview(&store, Filter::default()));
        let name = format!("{}/{}", capture.client, capture.name);
        assert_eq!((stats.totals, stats.states, stats.spans), (sums.totals, sums.states, sums.spans), "{name}");
        for (panel, groups) in [("models", &stats.models), ("agents", &stats.agents)] {
            let cost: Usd = groups.rows.iter().map(|group| group.cost).sum();
            assert_eq!(cost, sums.totals.cost, "{name}: {panel}");
            let unpriced: u64 = groups.rows.iter().map(|group| group.unpriced).sum();
            assert_eq!(unpriced, sums.totals.unpriced, "{name}: {panel}");
            let usage = groups.rows.iter().fold(TokenUsage::default(), |sum, group| sum + group.usage);
            assert_eq!(usage, sums.totals.usage, "{name}: {panel}");
        }
        let (tools, failed) =
            stats.tools.rows.iter().fold((0, 0), |(calls, failed), tool| (calls + tool.calls, failed + tool.failed));
        assert_eq!((tools, failed), (sums.totals.tool_calls, sums.totals.failed_tools), "{name}: tools");
        for groups in [&stats.by_session, &stats.users] {
            let runs: u64 = groups.rows.iter().map(|group| group.runs).sum();
            assert_eq!(runs, sums.states.all(), "{name}");
        }
        let spent: Usd = stats.spend.costs.iter().copied().sum();
        assert_eq!(spent, sums.totals.cost, "{name}: over time");
    }
}

/// What a run offered to its models, and what it called, as its detail says.
fn tools_of_run(store: &Store, run: TraceId) -> (HashSet<String>, HashSet<String>) {
    let Ok(Answer::Detail(Some(detail))) = store.answer(&Query::Detail { subject: Subject::Trace(run) }) else {
        panic!("there is a detail")
    };
    let trace = &detail.traces[0];
    let offered = trace.definitions.iter().map(|tool| tool.name.clone()).collect();
    let mut called: HashSet<String> = trace.tools.iter().map(|run| run.name.clone()).collect();
    // A model may call a tool by another name than that under which it ran.
    let messages = trace.conversations.iter().flat_map(|conversation| &conversation.messages);
    called.extend(messages.flat_map(|at| &at.message.parts).filter_map(|part| match &part.content {
        Content::Call(call) => Some(call.name.clone()),
        _ => None,
    }));
    (offered, called)
}

#[test]
fn tools_that_were_offered_and_never_called_are_among_the_tools() {
    let mut unused = 0;
    for capture in captures() {
        let store = store_of(&capture.bodies());
        let name = format!("{}/{}", capture.client, capture.name);
        let (mut offered, mut called) = (HashSet::new(), HashSet::new());
        for run in runs(&store, &Filter::default()) {
            let (of_run, by_run) = tools_of_run(&store, run.trace);
            offered.extend(of_run);
            called.extend(by_run);
        }
        let stats = stats_of(&store, Filter::default());
        let (never, ran): (Vec<&Group>, Vec<_>) = stats.tools.rows.iter().partition(|tool| tool.calls == 0);
        let never: HashSet<String> = never.into_iter().filter_map(|tool| tool.name.clone()).collect();
        // Semantic Kernel has the name of the plugin before that of the tool, but not in its calls.
        let in_plugin = |tool: &&String| tool.split_once('-').is_some_and(|(_, tool)| called.contains(tool));
        let expected: HashSet<String> = offered.difference(&called).filter(|tool| !in_plugin(tool)).cloned().collect();
        assert_eq!(never, expected, "{name}");
        for tool in ran.into_iter().filter(|tool| tool.name.as_ref().is_some_and(|name| offered.contains(name))) {
            assert!(tool.offered.is_some(), "{name}: {:?}", tool.name);
        }
        unused += never.len();
    }
    assert!(unused > 10, "{unused}");
    // Only the runs that are asked for count, and each row opens the runs that were offered the tool.
    let store = everything();
    let filter = Filter { text: "tool:get_weather".into(), ..Filter::default() };
    let stats = stats_of(&store, filter.clone());
    let mut opened = 0;
    for at in (0..stats.tools.rows.len()).filter(|at| stats.tools.rows[*at].calls == 0) {
        let Some(Opens::Only(only @ Only::Offered(..))) = Panel::Tools.opens(&stats, at) else { panic!("{at}") };
        let found = runs(&store, &Filter { only: Some(only.clone()), ..filter.clone() });
        assert!(!found.is_empty(), "{only:?}");
        for run in found {
            let (offered, called) = tools_of_run(&store, run.trace);
            let Only::Offered(tool, _) = &only else { continue };
            assert!(offered.contains(tool) && !called.contains(tool), "{tool} {}", run.trace);
        }
        opened += 1;
    }
    assert!(opened > 0);
}

#[test]
fn every_row_opens_the_runs_behind_it() {
    let store = everything();
    let stats = stats_of(&store, Filter::default());
    let mut opened = 0;
    for panel in Panel::ALL {
        assert!(panel.length(&stats) > 0, "{panel:?}");
        for at in 0..panel.length(&stats) {
            let opens = panel.opens(&stats, at).unwrap();
            let filter = filter_of(opens.clone());
            let sums = overview(&store, filter.clone());
            let found = sums.states.all();
            assert_eq!(runs(&store, &filter).len() as u64, found, "{opens:?}");
            match (&opens, panel) {
                (Opens::Only(Only::Outcome(outcome)), _) => assert_eq!(found, stats.runs(*outcome), "{opens:?}"),
                (Opens::Only(Only::Run(_)), _) => assert_eq!(found, 1, "{opens:?}"),
                (Opens::Session(_) | Opens::Only(Only::User(_)), _) => {
                    let groups = if panel == Panel::Sessions { &stats.by_session } else { &stats.users };
                    assert_eq!((found, sums.totals.cost), (groups.rows[at].runs, groups.rows[at].cost), "{opens:?}");
                }
                _ => assert!(found > 0, "{opens:?}"),
            }
            opened += 1;
        }
    }
    assert!(opened > 100, "{opened}");
}

fn filter_of(opens: Opens) -> Filter {
    match opens {
        Opens::Only(only) => Filter { only: Some(only), ..Filter::default() },
        Opens::Session(session) => Filter { session: Some(session), ..Filter::default() },
        Opens::InSession(session, only) => Filter { session: Some(session), only: Some(only), ..Filter::default() },
    }
}

#[test]
fn every_figure_opens_the_runs_behind_it() {
    let store = everything();
    let stats = stats_of(&store, Filter::default());
    let mut opened = HashMap::new();
    for panel in Panel::ALL {
        for at in 0..panel.length(&stats) {
            let all = overview(&store, filter_of(panel.opens(&stats, at).unwrap())).states.all();
            for (column, head) in panel.columns().iter().map(|column| column.head).enumerate() {
                let Some(opens) = panel.opens_figure(&stats, at, column) else { continue };
                let found = overview(&store, filter_of(opens.clone())).states.all();
                assert!(found > 0 && (found <= all || panel == Panel::Speed), "{panel:?} {opens:?}: {found} of {all}");
                let group = match panel {
                    Panel::Sessions => Some(&stats.by_session.rows[at]),
                    Panel::Users => Some(&stats.users.rows[at]),
                    _ => None,
                };
                match (head, group) {
                    ("fail", Some(group)) => assert_eq!(found, group.failed, "{opens:?}"),
                    ("loops", Some(group)) => assert_eq!(found, group.loops, "{opens:?}"),
                    _ => {}
                }
                *opened.entry(head).or_insert(0) += 1;
            }
        }
    }
    for head in ["err", "fail", "p50", "p95", "max", "first"] {
        assert!(opened.contains_key(head), "{head}: {opened:?}");
    }
}

#[test]
fn a_range_lets_through_what_began_since_then() {
    let store = everything();
    let mut all = runs(&store, &Filter::default());
    all.sort_by_key(|run| run.started);
    let middle = all[all.len() / 2].started;
    let filter = Filter { since: Some(middle), ..Filter::default() };
    let expected = all.iter().filter(|run| run.started >= middle).count() as u64;
    let stats = stats_of(&store, filter.clone());
    assert_eq!((stats.states.all(), overview(&store, filter.clone()).states.all()), (expected, expected));
    let cost = |groups: &[sideseat_tui::model::Group]| groups.iter().map(|group| group.cost).sum::<Usd>();
    assert_eq!((cost(&stats.models.rows), cost(&stats.by_session.rows)), (stats.totals.cost, stats.totals.cost));
    let words = Filter { text: "weather".to_owned(), ..filter };
    let found = stats_of(&store, words.clone());
    assert!(found.states.all() > 0 && found.states.all() < expected);
    assert_eq!(found.states, overview(&store, words).states);
}

#[test]
fn percentiles_are_those_of_the_values_that_occurred() {
    let store = everything();
    let stats = stats_of(&store, Filter::default());
    let took = |run: &TraceSummary| Some(run.ended?.since(run.started.known()?));
    let done = runs(&store, &Filter::default());
    let is_over =
        |run: &TraceSummary| !matches!(run.run_state(Timestamp::now()), RunState::Running | RunState::NeverEnded);
    let done = done.iter().filter(|run| is_over(run) && run.ended >= Some(run.started));
    let mut times: Vec<_> = done.filter_map(took).collect();
    times.sort_unstable();
    let (run, last) = (stats.run.unwrap(), times.len() - 1);
    assert_eq!(run.max, times[last]);
    for (share, value) in [(50, run.p50), (95, run.p95)] {
        let at = times.partition_point(|time| *time < value);
        assert_eq!(times[at], value, "it occurred");
        let beneath = times.partition_point(|time| *time <= value) * 100;
        assert!(at * 100 <= share * times.len() && beneath >= share * times.len(), "{share}: {at} of {last}");
    }
}

#[test]
fn the_command_prints_what_the_screen_shows() {
    let home = Home::new();
    for (name, capture) in [("a.pb", "bedrock/seed_session.pb"), ("b.pb", "strands/openai_support.pb")] {
        let file = home.write(name, fixture(capture));
        home.prints(&["import", &file]);
    }
    let json: Value = serde_json::from_slice(&home.prints(&["stats", "--json"])).unwrap();
    let traces: Value = serde_json::from_slice(&home.prints(&["traces", "--json"])).unwrap();
    let traces = list(&traces);
    assert_eq!(json["runs"], traces.len());
    let calls: u64 = traces.iter().map(|trace| trace["totals"]["model_calls"].as_u64().unwrap()).sum();
    assert_eq!(json["totals"]["model_calls"], calls);
    let by_model: u64 = list(&json["models"]).iter().map(|model| model["calls"].as_u64().unwrap()).sum();
    assert_eq!(by_model, calls);
    assert!(json["seconds"]["run"]["p95"].as_f64() >= json["seconds"]["run"]["p50"].as_f64());
    let outcomes = json["outcomes"].as_object().unwrap();
    assert_eq!(outcomes.len(), Outcomes::ALL.len());

    let text = String::from_utf8(home.prints(&["stats"])).unwrap();
    for title in ["Outcome", "Models", "Tools", "Sessions"] {
        assert!(text.lines().any(|line| line.starts_with(title)), "{title}:\n{text}");
    }
    let none: Value = serde_json::from_slice(&home.prints(&["stats", "--json", "--since", "1m"])).unwrap();
    assert_eq!((&none["runs"], list(&none["models"]).len()), (&Value::from(0), 0));
    assert_eq!(home.run(&["stats", "--since", "yesterday"]).code, 2);
}

const SHOWN: &[&str] =
    &["bedrock/seed_session", "bedrock/error_throttling", "strands/openai_support", "openai/gen_responses_support"];

#[test]
fn the_screen_of_statistics() {
    for (columns, rows) in SIZES {
        let name = |name: &str| format!("stats{name}_{columns}x{rows}");
        let scene = || Scene::of(SHOWN, columns, rows).press("S > > >");
        keep(&name(""), &scene().page());
        keep(&name("_models"), &scene().press("tab tab tab j").page());
        keep(&name("_opened"), &scene().press("tab tab tab j enter").page());
    }
}

#[test]
fn since_a_mark_are_the_runs_that_began_with_the_marked_one_or_after_it() {
    let scene = Scene::of(SHOWN, 120, 40);
    let mut all = runs(scene.store(), &Filter::default());
    all.sort_by_key(|run| run.started);
    let marked = &all[all.len() / 2];
    let since = all.iter().filter(|run| run.started >= marked.started).count();
    let place = Marked { trace: marked.trace, span: None, note: "here".into() };
    scene.store().mark('b', Some(&place)).unwrap();
    let mut scene = scene.press("S '");
    assert!(scene.text().contains("runs since a mark") && scene.text().contains("b  here"), "{}", scene.text());
    let mut scene = scene.press("b");
    let screen = scene.text();
    let head = screen.lines().nth(1).unwrap();
    assert!(head.contains(&format!("['b]  {since} runs")), "{since}: {screen}");
    let mut scene = scene.press("<");
    assert!(scene.text().contains("[24h]"), "{}", scene.text());
    // What is marked shows it in the list, also where it is folded away.
    let scene = scene.press("S");
    let rows = |screen: String| screen.lines().filter(|line| line.contains('◈')).count();
    let mut scene = scene.press("z M");
    assert_eq!(rows(scene.text()), 1);
    assert_eq!(
        scene.press("' x").notice(),
        Some("nothing is marked x: m and a letter marks a run or a step in the list")
    );
}

#[test]
fn the_command_counts_since_a_mark() {
    let home = Home::new();
    let file = home.write("a.pb", fixture("bedrock/seed_session.pb"));
    home.prints(&["import", &file]);
    let none = home.run(&["stats", "--since-mark", "b"]);
    assert!(none.code != 0 && none.err.contains("nothing is marked `b`"), "{}", none.err);
    let store = Store::open(&Place::File(home.db()), prices()).unwrap();
    let mut all = runs(&store, &Filter::default());
    all.sort_by_key(|run| run.started);
    let last = all.last().unwrap();
    store.mark('b', Some(&Marked { trace: last.trace, span: None, note: String::new() })).unwrap();
    store.close();
    let json: Value = serde_json::from_slice(&home.prints(&["stats", "--since-mark", "b", "--json"])).unwrap();
    assert_eq!((&json["runs"], json["since"].as_str()), (&Value::from(1), Some(last.started.to_string().as_str())));
    assert!(home.run(&["stats", "--since-mark", "c"]).err.contains("there are the marks b"));
}

#[test]
fn one_comes_back_to_the_statistics_as_they_were() {
    let mut scene = Scene::of(SHOWN, 80, 24).press("S > > > tab tab tab j");
    let before = scene.text();
    let mut scene = scene.press("enter");
    assert!(scene.text().contains("model:"), "{}", scene.text());
    let mut scene = scene.press("esc");
    assert_eq!(scene.text(), before);
    let mut scene = scene.press("esc");
    assert!(scene.text().contains("Runs"), "{}", scene.text());
}

#[test]
fn statistics_fit_every_size() {
    let mut scene = Scene::of(&["strands/openai_support"], 120, 40).press("S > >");
    for columns in [1, 39, 40, 60, 72, 109, 110, 200] {
        for rows in [1, 12, 19, 24, 37, 60] {
            scene = scene.resize(columns, rows);
            for keys in ["", "tab", "j j", "tab , G", "shift-tab k", "? q", "enter", "S"] {
                scene = scene.press(keys);
                scene.text();
            }
        }
    }
}
