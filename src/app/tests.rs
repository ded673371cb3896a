//! States, keys, states: the app against a store that answers at once.

mod around;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use proptest::prelude::*;

use super::{
    areas::Focus,
    browse::{Content, RowId},
    event::{Effect, Event, Listening, Mode, Mouse, MouseDoes, Seen, Tick},
    help::HelpLine,
    item::Kind,
    state::Lamp,
    state::{Stage, Start, State},
    tabs::Tab,
    update::update,
};
use crate::{
    keymap::{Chord, Context, Key},
    model::{
        Answer, AssembledTrace, Category, Changes, Context as Facts, Conversation, ConversationId, ConversationMessage,
        Detail, Everything, Filter, Message, Node, NodeState, Overview, Page, Project, Query, QuerySlot, Role,
        SessionId, SessionSummary, SpanId, Subject, Timestamp, Totals, TraceId, TraceState, TraceSummary, Tree,
    },
};

/// One trace of the store: its number is its id and when it started.
#[derive(Clone)]
struct Fake {
    number: u8,
    session: Option<&'static str>,
    /// Depth, category, state of each span; its id is its place from 1.
    spans: Vec<(usize, Category, NodeState)>,
    last_seen: u64,
}

struct Scene {
    state: State,
    traces: Vec<Fake>,
    /// What the app wanted, but for questions.
    effects: Vec<Effect>,
    asked: Vec<Query>,
    /// Questions are kept here instead of being answered.
    silent: Option<Vec<(QuerySlot, u64, Query)>>,
}

fn trace(number: u8) -> TraceId {
    TraceId::from_bytes(&[number; 16]).unwrap()
}

fn span(number: usize) -> SpanId {
    SpanId::from_bytes(&(number as u64).to_be_bytes()).unwrap()
}

fn fake(number: u8, session: Option<&'static str>) -> Fake {
    use {Category::*, NodeState::Ok};
    let spans = vec![(0, Agent, Ok), (1, Llm, Ok), (2, Http, Ok), (1, Tool, Ok), (1, Llm, Ok)];
    Fake { number, session, spans, last_seen: number.into() }
}

impl Scene {
    fn empty() -> Self {
        let start = Start {
            columns: 120,
            rows: 40,
            now: Timestamp(1_000),
            themes: names(),
            by_terminal: true,
            theme: "dark".into(),
            ..Start::default()
        };
        let mut scene =
            Self { state: State::new(start), traces: Vec::new(), effects: Vec::new(), asked: Vec::new(), silent: None };
        scene.event(Event::Opened(Mode::Live));
        scene
    }

    fn with(traces: impl IntoIterator<Item = Fake>) -> Self {
        let mut scene = Self::empty();
        scene.traces.extend(traces);
        scene.changed();
        scene
    }

    /// Without following, the cursor on the first row.
    fn still(mut self) -> Self {
        self.press("g g");
        self
    }

    fn event(&mut self, event: Event) {
        let mut effects = update(&mut self.state, event);
        while let Some(effect) = (!effects.is_empty()).then(|| effects.remove(0)) {
            match effect {
                Effect::Ask { slot, query, ticket } => {
                    self.asked.push(query.clone());
                    if let Some(kept) = &mut self.silent {
                        kept.push((slot, ticket, query));
                    } else {
                        let answer = Ok(self.answer(&query));
                        effects.extend(update(&mut self.state, Event::Answered { slot, ticket, answer }));
                    }
                }
                other => self.effects.push(other),
            }
        }
    }

    fn press(&mut self, keys: &str) {
        for key in keys.parse::<Chord>().unwrap().keys() {
            self.event(Event::Key(*key));
        }
    }

    fn type_in(&mut self, text: &str) {
        for c in text.chars() {
            self.event(Event::Key(Key::char(c)));
        }
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        self.event(Event::Resize { columns, rows });
    }

    fn changed(&mut self) {
        let changes = Changes {
            traces: self.traces.iter().map(|fake| trace(fake.number)).collect(),
            sessions: self.traces.iter().filter_map(|fake| fake.session).map(SessionId::from).collect(),
            spans: 1,
            ..Changes::default()
        };
        self.event(Event::Changed(changes));
    }

    /// A trace comes, alone.
    fn arrives(&mut self, fake: Fake) {
        let changes = Changes {
            traces: [trace(fake.number)].into(),
            sessions: fake.session.map(SessionId::from).into_iter().collect(),
            spans: 1,
            ..Changes::default()
        };
        self.traces.retain(|other| other.number != fake.number);
        self.traces.push(fake);
        self.event(Event::Changed(changes));
    }

    fn passing(&self, filter: &Filter) -> Vec<Fake> {
        let passes = |fake: &&Fake| {
            let named = fake.session.unwrap_or_default().contains(filter.text.trim());
            named && filter.session.as_ref().is_none_or(|of| fake.session == of.as_ref().map(SessionId::as_str))
        };
        self.traces.iter().filter(passes).cloned().collect()
    }

    fn answer(&self, query: &Query) -> Answer {
        match query {
            Query::Overview { filter } => {
                let all = Everything { traces: self.traces.len() as u64, ..Everything::default() };
                let traces = self.passing(filter).len() as u64;
                Answer::Overview(Box::new(Overview { traces, all, ..Overview::default() }))
            }
            Query::Sessions { filter, limit } => {
                let passing = self.passing(filter);
                let names: BTreeSet<Option<&str>> = passing.iter().map(|fake| fake.session).collect();
                let mut rows: Vec<SessionSummary> = names.into_iter().map(|name| session(name, &passing)).collect();
                rows.sort_by_key(|row| std::cmp::Reverse(row.last_seen));
                let total = rows.len() as u64;
                rows.truncate(*limit);
                Answer::Sessions(Page { rows, total })
            }
            Query::Traces { session, filter, limit } => {
                let mut rows = self.passing(filter);
                rows.retain(|fake| fake.session == session.as_ref().map(SessionId::as_str));
                rows.sort_by_key(|fake| fake.number);
                let total = rows.len() as u64;
                let newest = rows.split_off(rows.len().saturating_sub(*limit));
                Answer::Traces(Page { rows: newest.iter().map(summary).collect(), total })
            }
            Query::Tree { trace: wanted } => {
                let fake = self.traces.iter().find(|fake| trace(fake.number) == *wanted);
                Answer::Tree(fake.map(tree).unwrap_or_default())
            }
            Query::Detail { subject } => {
                let of = |fake: &&Fake| match subject {
                    Subject::Trace(wanted) => trace(fake.number) == *wanted,
                    Subject::Session(wanted) => fake.session == Some(wanted.as_str()),
                };
                let traces = self.traces.iter().filter(of).map(|fake| Arc::new(assembled(fake))).collect();
                Answer::Detail(Some(Arc::new(Detail { traces, left_out: 0 })))
            }
            Query::Raw { .. } => Answer::Raw(None),
        }
    }

    /// What the cursor is on.
    fn cursor(&self) -> RowId {
        self.state.tree.cursor().map(|row| row.id.clone()).expect("a row has the cursor")
    }

    /// The line of the window that the cursor is on.
    fn line(&self) -> usize {
        self.state.tree.scroll().cursor - self.state.tree.scroll().top()
    }

    fn rows(&self) -> Vec<RowId> {
        self.state.tree.rows().iter().map(|row| row.id.clone()).collect()
    }

    /// The text on the line that has the detail's cursor.
    fn reads(&self) -> String {
        self.state.detail.document().text(self.state.detail.scroll().cursor)
    }
}

fn names() -> Vec<String> {
    ["dark", "light", "plain"].map(str::to_owned).to_vec()
}

fn session(name: Option<&str>, traces: &[Fake]) -> SessionSummary {
    let own: Vec<&Fake> = traces.iter().filter(|fake| fake.session == name).collect();
    SessionSummary {
        session: name.map(SessionId::from),
        users: Vec::new(),
        first_seen: Timestamp(1),
        last_seen: Timestamp(own.iter().map(|fake| fake.last_seen).max().unwrap_or_default()),
        lasted: Duration::ZERO,
        traces: own.len() as u64,
        failed: 0,
        running: 0,
        totals: own.iter().map(|fake| totals(fake)).sum(),
    }
}

fn totals(fake: &Fake) -> Totals {
    let calls = fake.spans.iter().filter(|(_, category, _)| *category == Category::Llm).count();
    Totals { model_calls: calls as u64, ..Totals::default() }
}

fn summary(fake: &Fake) -> TraceSummary {
    TraceSummary {
        trace: trace(fake.number),
        project: Project::default(),
        name: Some(format!("run {}", fake.number)),
        session: fake.session.map(SessionId::from),
        user: None,
        service: None,
        framework: None,
        question: None,
        started: Timestamp(fake.number.into()),
        ended: None,
        last_seen: Timestamp(fake.last_seen),
        state: TraceState::Ok,
        spans: fake.spans.len() as u64,
        models: Vec::new(),
        totals: totals(fake),
    }
}

fn tree(fake: &Fake) -> Tree {
    let node = |(index, (depth, category, state)): (usize, &(usize, Category, NodeState))| Node {
        trace: Some(trace(fake.number)),
        depth: *depth,
        beneath: fake.spans[index + 1..].iter().take_while(|(other, ..)| other > depth).count(),
        category: *category,
        state: *state,
        ..Node::sample(span(index + 1), format!("span {}", index + 1), Timestamp(100 + index as u64))
    };
    Tree { nodes: fake.spans.iter().enumerate().map(node).collect() }
}

/// A conversation in which every model call says one thing.
fn assembled(fake: &Fake) -> AssembledTrace {
    let calls: Vec<usize> = (0..fake.spans.len()).filter(|index| fake.spans[*index].1 == Category::Llm).collect();
    let said = |(turn, index): (usize, &usize)| ConversationMessage {
        message: Arc::new(Message::text(Role::Assistant, format!("said by span {}", index + 1))),
        at: Timestamp(100 + *index as u64),
        span: span(index + 1),
        turn,
        history: false,
        rewritten: false,
    };
    let facts = |index: &usize| crate::model::ModelCall::sample(span(index + 1), Timestamp(100 + *index as u64));
    AssembledTrace {
        trace: trace(fake.number),
        name: None,
        project: "default".into(),
        service: None,
        context: Facts::default(),
        started: Timestamp(fake.number.into()),
        ended: None,
        state: TraceState::Ok,
        tree: tree(fake),
        calls: calls.iter().map(facts).collect(),
        conversations: vec![Conversation {
            id: ConversationId(trace(fake.number), span(1)),
            agent: None,
            opened_by: None,
            messages: calls.iter().enumerate().map(said).collect(),
        }],
        tools: Vec::new(),
        definitions: Vec::new(),
        errors: Vec::new(),
        totals: Totals::default(),
        only_wrapper_spans: false,
        spans: fake.spans.len() as u64,
    }
}

#[test]
fn an_empty_store_shows_what_to_do_until_the_first_span_comes() {
    let mut scene = Scene::empty();
    assert_eq!((scene.state.stage(), scene.state.context()), (Stage::FirstRun, Context::FirstRun));
    assert_eq!(scene.state.lamp(), Lamp::Waiting);
    scene.press("2 Y");
    let Some(Effect::Copy(text)) = scene.effects.last() else { panic!("nothing was copied") };
    assert!(text.contains("strands-agents"), "{text}");
    assert!(scene.state.notice.as_ref().is_some_and(|notice| notice.text.contains("copied")));
    scene.press("d");
    assert_eq!(scene.effects.last(), Some(&Effect::PlayDemo));
    scene.arrives(fake(1, Some("trip")));
    assert_eq!((scene.state.stage(), scene.state.lamp()), (Stage::Browsing, Lamp::Live));
}

#[test]
fn nothing_is_asked_before_a_store_is_open() {
    let mut state = State::new(Start { columns: 80, rows: 24, ..Start::default() });
    assert!(update(&mut state, Event::Resize { columns: 81, rows: 24 }).is_empty());
    assert_eq!((state.stage(), state.lamp()), (Stage::Opening, Lamp::Opening));
    assert!(!update(&mut state, Event::Opened(Mode::Live)).is_empty());
}

#[test]
fn the_cursor_and_its_line_stay_when_rows_arrive_above_and_below() {
    let mut scene = Scene::with((1..=9).map(|number| fake(number, Some("old")))).still();
    scene.press("l j j j");
    let (held, line) = (scene.cursor(), scene.line());
    assert_eq!(held, RowId::Trace(trace(3)));
    scene.arrives(fake(20, Some("new")));
    assert_eq!(scene.rows().first(), Some(&RowId::Session(Some("new".into()))));
    assert_eq!((scene.cursor(), scene.line()), (held.clone(), line));
    scene.arrives(Fake { last_seen: 30, ..fake(10, Some("old")) });
    assert_eq!(scene.rows().first(), Some(&RowId::Session(Some("old".into()))), "the sessions changed places");
    assert_eq!((scene.cursor(), scene.line()), (held, line));
}

#[test]
fn the_cursor_goes_to_the_nearest_row_when_its_own_vanishes() {
    let mut scene = Scene::with((1..=5).map(|number| fake(number, Some("s")))).still();
    scene.press("l j j j");
    scene.traces.retain(|fake| fake.number != 3);
    scene.changed();
    assert_eq!(scene.cursor(), RowId::Trace(trace(4)));
    scene.traces.clear();
    scene.changed();
    assert_eq!(scene.state.tree.cursor(), None);
    scene.press("j k G g g enter h l");
}

#[test]
fn what_stood_for_the_unknown_gives_way_to_the_first_row_beneath() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]).still();
    scene.press("G");
    scene.silent = Some(Vec::new());
    scene.press("l j");
    assert_eq!(scene.cursor(), RowId::NoTraces(Some("a".into())));
    let kept = scene.silent.take().unwrap_or_default();
    for (slot, ticket, query) in kept {
        let answer = Ok(scene.answer(&query));
        scene.event(Event::Answered { slot, ticket, answer });
    }
    assert_eq!(scene.cursor(), RowId::Trace(trace(1)));
}

#[test]
fn following_goes_to_the_newest_span_and_ends_with_the_first_move_by_hand() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    assert!(scene.state.follows());
    scene.arrives(fake(2, Some("b")));
    assert_eq!(scene.cursor(), RowId::Span(trace(2), span(5)));
    let mut longer = fake(2, Some("b"));
    longer.spans.push((1, Category::Tool, NodeState::Running));
    scene.arrives(longer);
    assert_eq!(scene.cursor(), RowId::Span(trace(2), span(6)));
    scene.press("k");
    let held = scene.cursor();
    assert!(!scene.state.follows());
    scene.arrives(fake(3, Some("a")));
    assert_eq!(scene.cursor(), held);
    scene.press("F");
    assert!(scene.state.follows());
    assert_eq!(scene.cursor(), RowId::Span(trace(3), span(5)));
}

#[test]
fn whoever_reads_is_not_taken_elsewhere() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    scene.press("tab");
    assert!(scene.state.follows(), "going to the other pane moves nothing");
    scene.press("k");
    let (held, read) = (scene.cursor(), scene.reads());
    scene.arrives(fake(2, Some("b")));
    assert_eq!((scene.cursor(), scene.reads()), (held, read));
}

#[test]
fn following_never_goes_back_to_a_run_that_started_earlier() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]);
    scene.arrives(fake(3, Some("b")));
    scene.arrives(Fake { last_seen: 50, ..fake(1, Some("a")) });
    assert!(matches!(scene.cursor(), RowId::Span(followed, _) if followed == trace(3)));
}

#[test]
fn folding_closes_a_branch_and_then_goes_to_its_parent() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    assert_eq!(scene.cursor(), RowId::Session(Some("a".into())));
    scene.press("G");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(5)));
    scene.press("h");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(1)));
    scene.press("h");
    assert_eq!(scene.state.tree.cursor().and_then(|row| row.open), Some(false));
    scene.press("h h h");
    assert_eq!(scene.cursor(), RowId::Session(Some("a".into())));
    assert_eq!(scene.rows().len(), 2, "the run is closed, the session open: {:?}", scene.rows());
    scene.press("enter");
    assert_eq!(scene.state.focus, Focus::Detail, "what is open is gone into");
}

#[test]
fn machinery_is_counted_at_its_parent_unless_it_failed_or_is_all_there_is() {
    use Category::{Agent, Db, Http, Llm, Tool};
    let mut mixed = fake(1, None);
    mixed.spans = vec![
        (0, Agent, NodeState::Ok),
        (1, Http, NodeState::Ok),
        (2, Db, NodeState::Ok),
        (2, Tool, NodeState::Ok),
        (1, Db, NodeState::Error),
        (1, Llm, NodeState::Ok),
    ];
    let plain = Fake { spans: vec![(0, Http, NodeState::Ok), (1, Db, NodeState::Ok)], ..fake(2, None) };
    let mut scene = Scene::with([mixed, plain]).still();
    scene.press("j l");
    let spans = |scene: &Scene, of: u8| -> Vec<(usize, usize)> {
        let rows = scene.state.tree.rows().iter().filter(|row| matches!(row.id, RowId::Span(id, _) if id == trace(of)));
        rows.map(|row| match scene.state.tree.content(row) {
            Content::Span { folded, .. } => (row.depth, folded),
            other => panic!("{other:?}"),
        })
        .collect()
    };
    assert_eq!(spans(&scene, 1), [(2, 2), (3, 0), (3, 0), (3, 0)], "the tool is lifted to the agent");
    scene.press("j j j j j l");
    assert_eq!(spans(&scene, 2), [(2, 0), (3, 0)], "without anything better the machinery is shown");
}

#[test]
fn moving_in_the_tree_scrolls_the_detail_to_the_span() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.resize(120, 14);
    scene.press("j j j");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(2)));
    let anchored = |scene: &Scene, number: usize| scene.state.detail.document().line_of(span(number));
    assert_eq!(Some(scene.state.detail.scroll().cursor), anchored(&scene, 2));
    scene.press("G");
    assert_eq!(Some(scene.state.detail.scroll().cursor), anchored(&scene, 5));
    scene.press("k");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(4)), "a tool that the messages know nothing of");
    assert_eq!(Some(scene.state.detail.scroll().cursor), anchored(&scene, 2), "the last one before it");
}

#[test]
fn the_end_of_a_text_is_held_while_it_grows_and_a_line_chosen_by_hand_too() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.press("j tab G");
    assert!(scene.state.detail.sticks());
    let mut longer = fake(1, Some("a"));
    longer.spans.push((1, Category::Llm, NodeState::Ok));
    scene.arrives(longer.clone());
    let document = scene.state.detail.document();
    assert!((0..document.len()).any(|at| document.text(at).contains("span 6")));
    assert_eq!(scene.state.detail.scroll().cursor, document.len() - 1);
    scene.press("k k");
    let held = scene.reads();
    longer.spans.push((1, Category::Llm, NodeState::Ok));
    scene.arrives(longer);
    assert!(!scene.state.detail.sticks());
    assert_eq!(scene.reads(), held);
}

#[test]
fn the_filter_is_applied_while_it_is_typed_and_undone_by_leaving() {
    let mut scene = Scene::with([fake(1, Some("trip")), fake(2, Some("docs"))]).still();
    scene.press("/");
    scene.type_in("tr");
    assert_eq!(scene.state.filter.text, "tr");
    assert_eq!(scene.rows(), [RowId::Session(Some("trip".into()))]);
    scene.press("esc");
    assert_eq!((scene.state.filter.text.as_str(), scene.rows().len() >= 2), ("", true));
    scene.press("/");
    scene.event(Event::Paste("doc\u{1b}s\n".into()));
    scene.press("enter");
    assert_eq!((scene.state.filter.text.as_str(), scene.state.line.is_none()), ("docs ", true));
    scene.press("/ ctrl-u");
    assert_eq!(scene.state.filter.text, "");
    scene.press("esc");
    assert_eq!(scene.state.filter.text, "docs ", "leaving undoes the clearing too");
}

#[test]
fn an_empty_answer_to_a_filter_is_not_an_empty_store() {
    let mut scene = Scene::with([fake(1, Some("trip"))]).still();
    scene.press("/");
    scene.type_in("xyz");
    assert_eq!((scene.rows().len(), scene.state.stage()), (0, Stage::Browsing));
}

#[test]
fn esc_undoes_one_thing_at_a_time_and_never_quits() {
    let mut scene = Scene::with([fake(1, Some("trip")), fake(2, Some("docs"))]).still();
    scene.press("/");
    scene.type_in("t");
    scene.press("enter s");
    scene.press("j enter");
    assert_eq!(scene.state.filter.session, Some(Some("trip".into())));
    scene.press("tab 5 enter ?");
    assert!(scene.state.zoomed && scene.state.focus == Focus::Detail && !scene.state.lists.is_empty());
    let shape = |scene: &Scene| {
        let state = &scene.state;
        let filter = (state.filter.session.is_some(), !state.filter.text.is_empty());
        (state.lists.len(), state.zoomed, state.focus, filter)
    };
    scene.press("esc");
    assert_eq!(shape(&scene), (0, true, Focus::Detail, (true, true)));
    scene.press("esc");
    assert_eq!(shape(&scene), (0, false, Focus::Detail, (true, true)));
    scene.press("esc");
    assert_eq!(shape(&scene), (0, false, Focus::Tree, (true, true)));
    scene.press("esc");
    assert_eq!(shape(&scene), (0, false, Focus::Tree, (false, true)));
    scene.press("esc");
    assert_eq!(shape(&scene), (0, false, Focus::Tree, (false, false)));
    assert_eq!(scene.state.back_does(), None);
    scene.press("esc esc");
    assert!(!scene.effects.contains(&Effect::Quit));
}

#[test]
fn q_closes_what_lies_on_top_and_else_quits() {
    let mut scene = Scene::with([fake(1, Some("trip"))]);
    scene.press("? q");
    assert!(scene.state.lists.is_empty() && scene.effects.is_empty());
    scene.press("q");
    assert_eq!(scene.effects, [Effect::Quit]);
}

#[test]
fn picking_a_session_filters_by_it_and_opens_it() {
    let mut scene = Scene::with([fake(1, Some("trip")), fake(2, Some("docs")), fake(3, None)]).still();
    scene.press("s");
    let list = scene.state.lists.last().expect("the list is open");
    assert_eq!((list.kind.clone(), list.counts().0), (Kind::Sessions, 3), "runs without one can be picked too");
    scene.press("j j enter");
    assert_eq!(scene.rows(), [RowId::Session(Some("trip".into())), RowId::Trace(trace(1))]);
    assert_eq!(scene.cursor(), RowId::Session(Some("trip".into())));
    scene.press("s");
    assert!(scene.state.lists.last().is_some_and(|list| list.counts().0 == 4), "and all sessions");
    scene.press("g g j enter");
    assert_eq!(scene.rows()[..2], [RowId::Session(None), RowId::Trace(trace(3))]);
}

#[test]
fn a_theme_is_seen_while_choosing_and_given_back_by_esc() {
    let mut scene = Scene::with([fake(1, None)]);
    scene.press("T j");
    assert_eq!(scene.effects, [Effect::SetTheme("light".into())]);
    scene.press("esc");
    assert_eq!(scene.effects.last(), Some(&Effect::SetTheme("dark".into())));
    scene.press("T G enter");
    assert_eq!((scene.state.theme.as_str(), scene.state.lists.len()), ("plain", 0));
}

#[test]
fn help_is_narrowed_and_begins_with_the_keys_of_this_place() {
    let mut scene = Scene::with([fake(1, None)]);
    scene.press("? /");
    scene.type_in("reasoning");
    assert_eq!(scene.state.context(), Context::Line);
    let list = scene.state.lists.last().expect("help is open");
    let help = list.help();
    let found = [HelpLine::Place { title: "Main view", here: true }];
    assert!(help.columns[0].starts_with(&found), "{help:?}");
}

#[test]
fn a_half_typed_chord_waits_and_a_wrong_second_key_ends_it() {
    let mut scene = Scene::with((1..=5).map(|number| fake(number, Some("s")))).still();
    scene.press("l G g");
    assert_eq!(scene.state.half, [Key::char('g')]);
    let held = scene.cursor();
    scene.press("x");
    assert_eq!((scene.state.half.len(), scene.cursor()), (0, held));
    scene.press("g g");
    assert_eq!(scene.state.tree.scroll().cursor, 0);
}

#[test]
fn a_frozen_view_counts_what_waits_and_shows_it_afterwards() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    scene.press("P");
    let rows = scene.rows();
    scene.arrives(fake(2, Some("b")));
    scene.arrives(fake(3, Some("c")));
    assert_eq!((scene.rows(), scene.state.lamp()), (rows, Lamp::Paused));
    assert_eq!(scene.state.paused.as_ref().map(|held| (held.traces.len(), held.spans)), Some((2, 2)));
    scene.press("P");
    assert!(scene.rows().contains(&RowId::Session(Some("c".into()))));
}

#[test]
fn only_what_changed_and_can_be_seen_is_asked_again() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]).still();
    scene.press("l j l G");
    scene.asked.clear();
    scene.arrives(fake(1, Some("a")));
    let trees = scene.asked.iter().filter(|query| matches!(query, Query::Tree { .. })).count();
    assert_eq!(trees, 0, "the tree of a closed run: {:?}", scene.asked);
    scene.asked.clear();
    scene.arrives(fake(2, Some("b")));
    assert!(scene.asked.contains(&Query::Tree { trace: trace(2) }), "{:?}", scene.asked);
}

#[test]
fn more_traces_are_asked_for_by_going_to_where_they_are() {
    let mut scene = Scene::with((1..=250).map(|number| fake(number, Some("long")))).still();
    let traces = |scene: &Scene| scene.rows().iter().filter(|row| matches!(row, RowId::Trace(_))).count();
    assert_eq!(scene.rows()[1], RowId::Earlier(Some("long".into())));
    assert_eq!(traces(&scene), 200);
    scene.press("j");
    assert_eq!(traces(&scene), 250);
    assert!(!scene.rows().contains(&RowId::Earlier(Some("long".into()))), "nothing stands for them any more");
    assert_eq!(scene.cursor(), RowId::Trace(trace(51)), "the cursor stays where the unknown began");
}

#[test]
fn more_sessions_are_asked_for_near_the_end_of_those_that_are_known() {
    let names: Vec<&'static str> = (0..250).map(|number| &*format!("session {number:03}").leak()).collect();
    let traces =
        names.iter().zip(0_u8..).map(|(name, number)| Fake { last_seen: number.into(), ..fake(number, Some(*name)) });
    let mut scene = Scene::with(traces.skip(1)).still();
    let sessions = |scene: &Scene| scene.rows().iter().filter(|row| matches!(row, RowId::Session(_))).count();
    assert_eq!(sessions(&scene), 200);
    scene.press("G");
    assert_eq!(sessions(&scene), 249);
}

#[test]
fn the_raw_tab_asks_for_the_span_and_for_a_run_its_root() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.press("j h 5");
    assert_eq!(scene.state.detail.tab(), Tab::Raw);
    assert!(scene.asked.contains(&Query::Raw { trace: trace(1), span: span(1) }), "{:?}", scene.asked);
    scene.press("l j j");
    assert!(scene.asked.contains(&Query::Raw { trace: trace(1), span: span(2) }));
}

#[test]
fn another_store_forgets_all_of_the_first() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.press("/");
    scene.type_in("a");
    scene.traces = vec![fake(7, Some("demo"))];
    scene.event(Event::Opened(Mode::Demo));
    assert_eq!((scene.state.filter.is_empty(), scene.state.lamp()), (true, Lamp::Demo));
    assert!(scene.rows().contains(&RowId::Session(Some("demo".into()))));
    assert!(!scene.rows().contains(&RowId::Session(Some("a".into()))));
}

#[test]
fn a_failed_question_is_said_over_the_last_answer() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    let rows = scene.rows();
    scene.silent = Some(Vec::new());
    scene.changed();
    for (slot, ticket, _) in scene.silent.take().unwrap_or_default() {
        scene.event(Event::Answered { slot, ticket, answer: Err("out of memory".into()) });
    }
    assert_eq!(scene.rows(), rows);
    assert_eq!(scene.state.tree.sessions().failed(), Some("out of memory"));
}

#[test]
fn the_mouse_selects_folds_and_scrolls() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]).still();
    let areas = scene.state.areas().expect("120x40 is large enough");
    let (tree, detail) = (areas.tree.expect("shown"), areas.detail.expect("shown"));
    let at = |column, row, does| Event::Mouse(Mouse { column, row, does });
    let sessions = scene.rows().len();
    scene.event(at(tree.rows.x, tree.rows.y, MouseDoes::Click));
    assert_eq!(scene.state.tree.cursor().and_then(|row| row.open), Some(false), "the mark closes: {:?}", scene.rows());
    assert!(scene.rows().len() < sessions);
    scene.event(at(tree.rows.x + 5, tree.rows.y + 1, MouseDoes::Click));
    assert_eq!(scene.cursor(), RowId::Session(Some("a".into())));
    scene.event(at(detail.tabs.x + 16, detail.tabs.y, MouseDoes::Click));
    assert_eq!(scene.state.detail.tab(), Tab::Tools);
    scene.event(at(detail.text.x, detail.text.y, MouseDoes::WheelDown));
    scene.event(at(500, 500, MouseDoes::Click));
    scene.press("?");
    scene.event(at(0, 0, MouseDoes::Click));
    assert!(scene.state.lists.is_empty(), "a click beside a list closes it");
}

#[test]
fn no_size_no_key_and_no_click_is_too_much() {
    let mut scene = Scene::with((1..=30).map(|number| fake(number, Some("a"))));
    let keys = "l j G k g g ctrl-d ctrl-u tab j G 1 2 3 4 5 enter enter shift-tab h l s j enter T j q ? / esc esc / x esc F P P";
    for (columns, rows) in [(1, 1), (40, 12), (39, 11), (71, 20), (72, 19), (200, 60), (0, 0)] {
        scene.resize(columns, rows);
        scene.press(keys);
        for does in [MouseDoes::Click, MouseDoes::WheelUp, MouseDoes::WheelDown] {
            for (column, row) in [(0, 0), (columns / 2, rows / 2), (columns, rows), (u16::MAX, u16::MAX)] {
                scene.event(Event::Mouse(Mouse { column, row, does }));
            }
        }
        scene.press("esc esc esc");
    }
}

#[test]
fn the_header_knows_who_listens_and_what_fails() {
    let mut scene = Scene::with([fake(1, None)]);
    scene.event(Event::Listening(Vec::new()));
    assert_eq!(scene.state.lamp(), Lamp::Failing);
    let listening = Listening { what: "HTTP".into(), address: "127.0.0.1".into(), port: 4318, note: None };
    scene.event(Event::Listening(vec![listening]));
    assert_eq!(scene.state.lamp(), Lamp::Live);
    let tick = |seconds: u64, spans| {
        let seen = Seen { spans, ..Seen::default() };
        Event::Tick(Tick { now: Timestamp(seconds * 1_000_000_000), seen, failing: None })
    };
    scene.event(tick(10, 0));
    scene.event(tick(11, 30));
    assert_eq!(scene.state.rate.now(), 15);
    scene.event(Event::Tick(Tick { now: Timestamp(1), seen: Seen::default(), failing: Some("disk full".into()) }));
    assert_eq!((scene.state.lamp(), scene.state.failing.as_deref()), (Lamp::Failing, Some("disk full")));
}

proptest! {
    /// Whatever arrives, in whatever order: who reads a row goes on reading it where it was.
    #[test]
    fn no_arrival_moves_the_cursor(
        arrivals in prop::collection::vec((1..60_u8, 1..200_u64), 1..40),
        moves in prop::collection::vec(prop::sample::select(vec!["j", "k", "l", "h", "ctrl-d", "G", "tab"]), 0..12),
        sorts in any::<bool>(),
    ) {
        let sessions = [None, Some("a"), Some("b"), Some("c"), Some("d")];
        // The session with the newest activity comes first; without any the order stays.
        let arrival = |(number, last_seen): (u8, u64)| {
            Fake { last_seen: if sorts { last_seen } else { 0 }, ..fake(number, sessions[usize::from(number) % 5]) }
        };
        let mut scene = Scene::with((1..30).map(|number| arrival((number, 1)))).still();
        scene.resize(100, 24);
        for key in moves {
            scene.press(key);
        }
        let (held, mut line) = (scene.cursor(), scene.line());
        for one in arrivals {
            scene.arrives(arrival(one));
            prop_assert_eq!(scene.cursor(), held.clone());
            // Where its session goes to the top there is nothing left above to keep it down.
            prop_assert!(scene.line() == line || (sorts && scene.line() < line));
            line = scene.line();
        }
    }
}
