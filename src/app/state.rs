//! What the user is looking at.

mod stage;

use std::{collections::BTreeMap, time::Duration};

use ratatui::layout::Rect;

use super::{
    activity::{Arrivals, Rate},
    ahead::Ahead,
    alerts::Watched,
    areas::{self, Areas, Focus, Shape},
    browse::{Browse, RowId},
    completion::Completion,
    detail::{DetailPane, Side},
    event::{Alerts, Ended, Listening, Mode, NewToken, Seen},
    follow::Follow,
    format::Zone,
    history::{History, Lines},
    item::Kind,
    line::Line,
    list::List,
    pane::Pane,
    picture::{Picture, Shows},
    places::{Awaits, Goal, Trail},
    sdk::Sdk,
    split::{Divider, Split},
    stats::StatsPane,
    tour::Tour,
    verdict::{Unusual, Verdict, VerdictLine},
};
pub use stage::{Lamp, Stage};

use crate::{
    keymap::{Key, Keymap},
    model::{
        Changes, FacetValues, Filter, Overview, Page, PlaceMark, SessionSummary, Subject, Timestamp, TraceId,
        TraceSummary, Usd,
    },
};

/// A lower screen has no line for the hints of the demo.
const ROOM_FOR_HINTS: u16 = 16;

/// How long a notice stays in the status line.
const NOTICE: Duration = Duration::from_secs(4);

/// Who chose the theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThemeBy {
    /// It is the one that fits the terminal.
    Terminal,
    Person,
}

/// Everything the screen depends on, but the theme's colours.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each says one thing of its own")]
pub struct State {
    pub screen: Rect,
    pub keymap: Keymap,
    pub now: Timestamp,
    pub mode: Mode,
    /// The store's place, as people should read it.
    pub db: String,
    /// Times are written in this time zone.
    pub zone: Zone,
    /// `None` until the listeners are open.
    pub listening: Option<Vec<Listening>>,
    pub seen: Seen,
    /// Why nothing can be stored just now.
    pub failing: Option<String>,
    /// The instance that was attached to answers no longer.
    pub ended: Option<Ended>,
    /// Shown until its list is closed.
    pub(super) token: Option<NewToken>,
    pub rate: Rate,
    pub arrivals: Arrivals,

    pub overview: Pane<Overview>,
    pub tree: Browse,
    pub detail: DetailPane,
    pub focus: Focus,
    pub zoomed: bool,
    pub split: Split,
    /// The line between two panes that is being dragged.
    pub(super) drags: Option<Divider>,
    /// The hints of the demo.
    pub(super) tour: Option<Tour>,
    /// The button of the mouse went down in the text of the detail; true where that opened or closed a fold.
    pub(super) pressed: Option<bool>,
    /// The last click opened or closed something, or went somewhere.
    pub(super) clicked: bool,
    /// The terminal reports the mouse to the program.
    pub mouse: bool,
    /// Marks and lines are drawn in ASCII.
    pub ascii: bool,
    pub alerts: Alerts,

    pub filter: Filter,
    /// The filter while it is being typed.
    pub line: Option<Line>,
    /// What is looked for in the detail, while it is being typed.
    pub finds: Option<Line>,
    pub completion: Box<Completion>,
    /// The lines that were taken before.
    pub history: Box<History>,
    /// The name under which the filter is saved, while it is being typed.
    pub naming: Option<Line>,
    /// Which saved filter that name is for; `None`: the filter is saved under it.
    pub renames: Option<String>,
    /// Saved filters by name.
    pub views: BTreeMap<String, String>,
    /// What the list of facets is made from.
    pub(super) facets: Box<Pane<Vec<FacetValues>>>,
    /// Laid over the screen.
    pub picture: Option<Picture>,
    pub stats: Box<StatsPane>,
    /// Whether the terminal could show one.
    pub terminal: Shows,
    /// Lists laid over the screen, the topmost last.
    pub lists: Vec<List>,
    /// What runs before that of the verdict cost that have its label.
    pub(super) usual: Pane<Vec<Usd>>,
    /// What the session list is made from.
    pub(super) picker: Pane<Page<SessionSummary>>,
    /// The runs that the palette lists.
    pub(super) runs: Pane<Page<TraceSummary>>,
    /// What arrived while the view is frozen.
    pub paused: Option<Changes>,
    pub(super) follow: Follow,

    /// The theme in force, and all there are.
    pub theme: String,
    pub themes: Vec<String>,
    pub theme_by: ThemeBy,
    pub sdk: Sdk,
    /// How many lines of the first-run screen are scrolled away.
    pub first_run_top: usize,
    /// The keys of a chord that is not whole yet.
    pub half: Vec<Key>,
    /// Keys that wait for what is on its way.
    pub ahead: Ahead,
    pub notice: Option<Notice>,
    /// Whether the terminal's window has the focus.
    pub focused: bool,

    /// There is a store that answers queries.
    pub(super) open: bool,
    /// Spans stored since the store was opened.
    pub(super) stored: u64,
    /// Which runs have ended while the screen watches.
    pub(super) watched: Watched,
    /// Where the cursor goes once that step has a row.
    pub(super) goal: Option<Goal>,
    /// The run of which the failed step is wanted once the cursor is on it.
    pub(super) proof_of: Option<TraceId>,
    /// Where the cursor has been.
    pub(super) trail: Trail,
    /// A key waits for a letter.
    pub awaits: Option<Awaits>,
    /// The places that are marked; asked for when a letter is waited for.
    pub marks: Pane<Vec<PlaceMark>>,
    /// The cursor goes to the first run that the filter lets through, once that is known.
    pub(super) seeks: bool,
    /// The row that the detail was last aimed at.
    pub(super) aimed: Option<RowId>,
    /// The ticket under which the store was asked for what is to be copied, and what that is.
    pub(super) yanking: Option<(u64, String)>,
    /// An event comes that only goes on with what is not done yet.
    pub(super) works: bool,
    pub(super) tickets: u64,
}

/// A text in the status line that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub until: Timestamp,
}

/// What the state starts from.
#[derive(Debug, Clone, Default)]
pub struct Start {
    pub columns: u16,
    pub rows: u16,
    pub keymap: Keymap,
    pub now: Timestamp,
    pub mode: Mode,
    pub zone: Zone,
    pub db: String,
    pub theme: String,
    pub themes: Vec<String>,
    /// Saved filters by name.
    pub views: BTreeMap<String, String>,
    /// The lines that were taken before.
    pub lines: Lines,
    /// The theme was chosen by what the terminal is like.
    pub by_terminal: bool,
    /// Marks and lines are drawn in ASCII.
    pub ascii: bool,
    pub alerts: Alerts,
}

impl State {
    #[must_use]
    pub fn new(start: Start) -> Self {
        let Start { columns, rows, keymap, now, mode, zone, db, theme, themes, views, .. } = start;
        let Start { lines, by_terminal, ascii, alerts, .. } = start;
        let mut follow = Follow::default();
        follow.start();
        Self {
            screen: Rect::new(0, 0, columns, rows),
            keymap,
            now,
            mode,
            db,
            detail: DetailPane::new(zone.clone()),
            listening: None,
            seen: Seen::default(),
            failing: None,
            ended: None,
            token: None,
            rate: Rate::default(),
            arrivals: Arrivals::default(),
            overview: Pane::default(),
            tree: Browse::new(zone.clone()),
            zone,
            focus: Focus::Tree,
            zoomed: false,
            split: Split::default(),
            drags: None,
            pressed: None,
            clicked: false,
            tour: None,
            mouse: true,
            ascii,
            alerts,
            filter: Filter::default(),
            line: None,
            finds: None,
            completion: Box::default(),
            history: Box::new(History::new(lines)),
            naming: None,
            renames: None,
            views,
            facets: Box::default(),
            picture: None,
            stats: Box::default(),
            terminal: Shows::default(),
            lists: Vec::new(),
            usual: Pane::default(),
            picker: Pane::default(),
            runs: Pane::default(),
            paused: None,
            follow,
            theme,
            themes,
            theme_by: if by_terminal { ThemeBy::Terminal } else { ThemeBy::Person },
            sdk: Sdk::default(),
            first_run_top: 0,
            half: Vec::new(),
            ahead: Ahead::default(),
            notice: None,
            focused: true,
            open: false,
            stored: 0,
            watched: Watched::default(),
            goal: None,
            proof_of: None,
            trail: Trail::default(),
            awaits: None,
            marks: Pane::default(),
            seeks: false,
            aimed: None,
            yanking: None,
            works: false,
            tickets: 0,
        }
    }

    /// The number and the two forms of the demo's next hint; `None` where there is none, or nothing to see yet.
    #[must_use]
    pub fn demo_hint(&self) -> Option<(String, [String; 2])> {
        self.tour.as_ref().filter(|_| self.stage() == Stage::Browsing)?.hint(&self.keymap)
    }

    /// Whether there is a hint, and room for its line.
    pub(super) fn shows_demo_hint(&self) -> bool {
        self.screen.height >= ROOM_FOR_HINTS && self.demo_hint().is_some()
    }

    /// Whether the line of the filter is there, and not a hint in its place.
    #[must_use]
    pub fn has_filter_line(&self) -> bool {
        self.line.is_some() || self.naming.is_some() || !self.filter.is_empty()
    }

    /// Where everything goes; `None` where the screen is too small.
    #[must_use]
    pub fn areas(&self) -> Option<Areas> {
        let filter = self.has_filter_line() || self.shows_demo_hint();
        let no_calls = self.overview.shown().is_some_and(|overview| {
            let totals = &overview.totals;
            totals.model_calls == 0 && totals.usage.total().is_none() && totals.priced == 0 && totals.unpriced == 0
        });
        let score = self.overview.shown().map_or(0, |overview| match (overview.scored, overview.judged_for) {
            (0, _) => 0,
            (_, 0 | 1) => areas::SCORE,
            _ => areas::NAMED_SCORE,
        });
        let (zoomed, focus, split) = (self.zoomed, self.focus, self.split);
        let shape = Shape { filter, zoomed, focus, no_calls, score, verdict: 0, split };
        let areas = areas::areas(self.screen, shape)?;
        let verdict = areas.detail.map_or(0, |detail| self.verdict_lines(detail.verdict.width).len());
        let verdict = u16::try_from(verdict).unwrap_or_default();
        if verdict == 0 { Some(areas) } else { areas::areas(self.screen, Shape { verdict, ..shape }) }
    }

    /// The lines above the tabs of the detail, at a width.
    #[must_use]
    pub fn verdict_lines(&self, columns: u16) -> Vec<VerdictLine> {
        let most = areas::verdict_lines(self.screen).into();
        let verdict = self.detail.verdict().filter(|_| self.stage() == Stage::Browsing);
        let lines = |verdict: &Verdict| verdict.lines(columns.into(), most, self.now, self.unusual(verdict));
        verdict.map(lines).unwrap_or_default()
    }

    /// The cost of the verdict's run, where it is unusual among the runs with its name.
    fn unusual(&self, verdict: &Verdict) -> Option<Unusual> {
        let is_answer = self.usual.failed().is_none() && self.usual.answered() == verdict.question().as_ref();
        let usual = self.usual.shown().filter(|_| is_answer)?;
        verdict.unusual(&self.tree, usual)
    }

    /// The picture that the cursor of the detail is on, where the terminal can show it.
    pub(super) fn picture_at_cursor(&self) -> Option<Picture> {
        self.detail.line_at_cursor().filter(|_| self.terminal == Shows::Pictures).and_then(Picture::of)
    }

    #[must_use]
    pub fn follows(&self) -> bool {
        self.follow.is_on()
    }

    /// How high the tree's rows and the detail's text are, and how wide the text.
    pub(super) fn heights(&self) -> Heights {
        let areas = self.areas();
        // A pane that is not shown goes on as if it were: it must be right when it comes back.
        let text = areas.and_then(|areas| areas.detail).map(|detail| detail.text);
        let rows = areas.and_then(|areas| areas.tree).map(|tree| tree.rows.height);
        let beside = areas.and_then(|areas| areas.beside).map(|beside| beside.text);
        let (text, other) = match (self.detail.side(), beside) {
            (Side::Beside, Some(beside)) => (Some(beside), text),
            _ => (text, beside),
        };
        let usual = self.screen.height.saturating_sub(7).max(1);
        Heights {
            rows: rows.unwrap_or(usual).into(),
            text: text.map_or(usual, |text| text.height).into(),
            text_width: text.map_or(self.screen.width.saturating_sub(2).max(1), |text| text.width),
            other: other.map(|other| (other.width, other.height.into())),
        }
    }

    pub(super) fn notify(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), until: self.now.plus(NOTICE) });
    }

    /// What was to be gone to once it comes is not gone to any more.
    pub(super) fn goes_nowhere(&mut self) {
        (self.goal, self.seeks) = (None, false);
        self.ahead.keys.clear();
        self.half.clear();
    }

    /// Forgets everything of the store that was shown.
    pub(super) fn forget(&mut self) {
        self.overview = Pane::default();
        self.tree = Browse::new(self.zone.clone());
        self.detail = self.detail.emptied();
        self.picker = Pane::default();
        self.runs = Pane::default();
        self.usual = Pane::default();
        *self.stats = StatsPane::default();
        self.arrivals = Arrivals::default();
        self.rate = Rate::default();
        self.filter = Filter::default();
        self.line = None;
        self.finds = None;
        self.naming = None;
        self.renames = None;
        self.completion.reset();
        self.completion.values = Pane::default();
        *self.facets = Pane::default();
        self.lists.retain(|list| !matches!(list.kind, Kind::Sessions | Kind::Facets | Kind::Palette { .. }));
        self.paused = None;
        self.stored = 0;
        self.watched = Watched::default();
        self.goes_nowhere();
        self.proof_of = None;
        self.trail = Trail::default();
        self.awaits = None;
        self.marks = Pane::default();
        self.aimed = None;
        self.yanking = None;
        self.focus = Focus::Tree;
        self.zoomed = false;
        self.follow.start();
    }

    /// What is shown of the store is no longer what it holds.
    pub(super) fn touch(&mut self, changes: &Changes) {
        for trace in &changes.traces {
            self.arrivals.note(*trace, self.now);
        }
        self.overview.touch();
        self.picker.touch();
        self.runs.touch();
        self.completion.values.touch();
        self.facets.touch();
        self.stats.touch(self.now);
        if self.detail.verdict().is_some_and(|verdict| changes.touches(&verdict.trace())) {
            self.usual.touch();
        }
        self.tree.touch(changes);
        let touched = match self.detail.subject() {
            Some(Subject::Session(session)) => changes.all || changes.sessions.contains(session),
            Some(Subject::Trace(trace)) => changes.touches(trace),
            None => false,
        };
        let detail = self.detail.answer().shown().and_then(Option::as_ref);
        if touched || detail.is_some_and(|detail| detail.traces.iter().any(|trace| changes.touches(&trace.trace))) {
            self.detail.detail_mut().touch();
        }
        self.detail.touch_marked(changes);
        if self.detail.span().is_some_and(|(trace, _)| changes.touches(&trace)) {
            self.detail.raw_mut().touch();
        }
    }
}

/// How much of each pane can be seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heights {
    pub rows: usize,
    /// Of the detail's pane that keys are for.
    pub text: usize,
    pub text_width: u16,
    /// How wide and high the text of the other pane is, where there are two.
    pub other: Option<(u16, usize)>,
}
