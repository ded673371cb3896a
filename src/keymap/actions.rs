//! The table of everything a key can do.
//!
//! Dispatch, hints, the help overlay, the names in `[keys]` and the README's section all come from here. The actions that
//! show the tabs of the detail come from the table of tabs.

use crate::tabs::{Tab, TabRow};

/// Where a key works. In each place a key means one thing; what is under `Anywhere` is used in no other, but `Line`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Rows and text: the tree, the detail, lists, the first screen.
    Rows,
    /// The main view, whichever pane has the focus.
    Main,
    /// Lines of the detail, while they are being selected.
    Selection,
    /// A list to pick from.
    List,
    /// The statistics.
    Stats,
    /// A line being typed. Only here do characters type themselves.
    Line,
    /// The screen of an empty store.
    FirstRun,
    Anywhere,
}

impl Place {
    pub const ALL: [Self; 8] =
        [Self::Rows, Self::Main, Self::Selection, Self::Stats, Self::List, Self::Line, Self::FirstRun, Self::Anywhere];

    /// As help and README head its keys.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Rows => "Rows and text",
            Self::Main => "Main view",
            Self::Selection => "Selected lines",
            Self::Stats => "Statistics",
            Self::List => "List",
            Self::Line => "Line",
            Self::FirstRun => "First run",
            Self::Anywhere => "Anywhere but in a line",
        }
    }
}

/// One row of the table: an action, where its keys work, and what hints and help show of it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub action: Action,
    pub place: Place,
    /// As written in a file of settings.
    pub keys: &'static [&'static str],
    /// Its name in `[keys]`.
    pub name: &'static str,
    /// The word of the footer; neighbours with one word share it. Empty: not in the footer.
    pub hint: &'static str,
    pub help: &'static str,
}

macro_rules! actions {
    (
        $($before:ident $before_place:ident $before_keys:tt $before_name:literal $before_hint:literal $before_help:literal)*
        @tabs
        $($after:ident $after_place:ident $after_keys:tt $after_name:literal $after_hint:literal $after_help:literal)*
    ) => {
        /// Everything a key can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action {
            $(
                #[allow(clippy::doc_markdown, reason = "help is text for people")]
                #[doc = $before_help]
                $before,
            )*
            /// Show a tab of the detail.
            Tab(Tab),
            $(
                #[allow(clippy::doc_markdown, reason = "help is text for people")]
                #[doc = $after_help]
                $after,
            )*
        }

        /// Every action, in the order in which people should read them.
        pub const ACTIONS: &[Row] = &joined::<{ BEFORE.len() + TABS.len() + AFTER.len() }>([BEFORE, TABS, AFTER]);

        const BEFORE: &[Row] =
            &[$(row!($before $before_place $before_keys $before_name $before_hint $before_help)),*];
        const AFTER: &[Row] = &[$(row!($after $after_place $after_keys $after_name $after_hint $after_help)),*];
    };
}

macro_rules! row {
    ($action:ident $place:ident [$($key:literal)*] $name:literal $hint:literal $help:literal) => {
        Row {
            action: Action::$action,
            place: Place::$place,
            keys: &[$($key),*],
            name: $name,
            hint: $hint,
            help: $help,
        }
    };
}

actions! {
    // action        place     keys                 config name       hint       help
    Down             Rows      ["j" "down"]         "down"            "move"     "Go to the next row or line"
    Up               Rows      ["k" "up"]           "up"              "move"     "Go to the previous row or line"
    First            Rows      ["g g" "home"]       "first"           ""         "Go to the first row or line"
    Last             Rows      ["G" "end"]          "last"            ""         "Go to the last; in text, stay at the end while it grows"
    HalfPageDown     Rows      ["ctrl-d"]           "half-page-down"  ""         "Go down half a page"
    HalfPageUp       Rows      ["ctrl-u"]           "half-page-up"    ""         "Go up half a page"
    PageDown         Rows      ["ctrl-f" "pagedown"] "page-down"      ""         "Go down a page"
    PageUp           Rows      ["ctrl-b" "pageup"]  "page-up"         ""         "Go up a page"
    Open             Rows      ["enter"]            "open"            "open"     "Open a branch, a fold or a picture, choose, else go into the detail and enlarge it"

    Fold             Main      ["h" "left"]         "fold"            "fold"     "Close the branch or fold, else go to its parent; from the detail to the tree"
    Unfold           Main      ["l" "right"]        "unfold"          "fold"     "Open the branch or fold; once more, the spans that it folds away (+N)"
    FoldThis         Main      ["z a"]              "fold-this"       ""         "Open or close the branch or fold under the cursor"
    OpenAll          Main      ["z R"]              "open-all"        ""         "Open all that is known beneath the session"
    CloseAll         Main      ["z M"]              "close-all"       ""         "Close all sessions"
    ShowAll          Main      ["z i"]              "show-all"        ""         "Show all spans of the run that are folded away (+N), or fold them away again"
    NextPane         Main      ["tab"]              "next-pane"       "pane"     "Go to the next pane"
    PreviousPane     Main      ["shift-tab"]        "previous-pane"   ""         "Go to the pane before"
    @tabs // an action for each row of `crate::tabs`
    NextFailed       Main      ["e"]                "next-failed"     "failure"  "Go to the next step that failed, in this run, else in the next run that has one"
    PreviousFailed   Main      ["E"]                "previous-failed" "failure"  "Go to the previous step that failed, also in the runs before"
    NextOdd          Main      ["!"]                "next-odd"        ""         "Go to the next odd thing: a loop, arguments that break their schema, an answer cut off, a tool without a result"
    Dearest          Main      ["$"]                "dearest"         ""         "Go to the call that cost most; once more: to the one after it"
    Slowest          Main      ["&"]                "slowest"         ""         "Go to the call that took longest, and say when its first token came; once more: to the one after it"
    NextRun          Main      ["]"]                "next-run"        ""         "Go to the next run"
    PreviousRun      Main      ["["]                "previous-run"    ""         "Go to the run before"
    NextSession      Main      ["}"]                "next-session"    ""         "Go to the next session"
    PreviousSession  Main      ["{"]                "previous-session" ""        "Go to the session before"
    NextTurn         Main      [")"]                "next-turn"       ""         "Go to the next turn of the run"
    PreviousTurn     Main      ["("]                "previous-turn"   ""         "Go to the turn before"
    JumpBack         Main      ["H" "ctrl-o"]       "jump-back"       ""         "Go back to where the cursor was before the last jump"
    JumpForward      Main      ["L"]                "jump-forward"    ""         "Go forward again"
    SetMark          Main      ["m"]                "set-mark"        ""         "Mark the run or step with the letter that follows; the same letter again takes the mark away"
    GoToMark         Main      ["'"]                "go-to-mark"      ""         "Go to what the letter that follows marks; twice: back to where the cursor was"
    ZoomIn           Main      [">"]                "zoom-in"         "zoom"     "Show less of a run's time in the timeline, around the step under the cursor; then h and l move it"
    ZoomOut          Main      ["<"]                "zoom-out"        "zoom"     "Show more of a run's time in the timeline, up to all of it"
    Grow             Main      ["+"]                "grow"            ""         "Give the pane with the keys more of the width"
    Shrink           Main      ["_"]                "shrink"          ""         "Give the pane with the keys less of the width"
    Raw              Main      ["r"]                "raw"             ""         "Show texts and arguments as they were received, or as people read them"
    Wrap             Main      ["w"]                "wrap"            ""         "Cut the lines of the detail to its width, or leave them as long as they are"
    Pager            Main      ["v"]                "pager"           ""         "Read the text under the cursor in $PAGER; of a run or a step what happened, as Markdown"
    Editor           Main      []                   "editor"          ""         "Open the text under the cursor in $EDITOR"
    OpenOutside      Main      ["o"]                "open-outside"    "show"     "Show the image or document under the cursor in the system's own program"
    Filter           Main      ["/"]                "filter"          "filter"   "Filter: words, agent:, tool:, model:, cost>, since: and more; Tab says what there is; in the detail find a phrase"
    NextFound        Main      ["n"]                "next-found"      "found"    "Go to the next place of the detail where the phrase is that / looks for; in a comparison or a prompt to the next difference"
    PreviousFound    Main      ["N"]                "previous-found"  "found"    "Go to the place before"
    Facets           Main      ["f"]                "facets"          ""         "Choose what to filter by: agents, models, tools, users, sessions, finish reasons, errors"
    AddValue         Main      ["*"]                "add-value"       ""         "Filter by what the cursor is on: session, name, agent, model, tool or failure"
    Session          Main      ["s"]                "session"         "session"  "Filter by session"
    OrderNewest      Main      [", t"]              "order-newest"    ""         "Order sessions and runs by time, the newest first"
    OrderCost        Main      [", c"]              "order-cost"      ""         "Order them by cost, the dearest first"
    OrderDuration    Main      [", d"]              "order-duration"  ""         "Order them by how long they took"
    OrderTokens      Main      [", k"]              "order-tokens"    ""         "Order them by tokens"
    OrderErrors      Main      [", e"]              "order-errors"    ""         "Order them by how much failed in them"
    OrderScore       Main      [", s"]              "order-score"     ""         "Order them by score, the lowest first"
    Follow           Main      ["F"]                "follow"          "follow"   "Follow the newest run; any move by hand ends it"
    Prompt           Main      ["a"]                "prompt"          "prompt"   "Show what the call at the cursor was sent, with what is new in it; once more: all of it"
    Compare          Main      ["c"]                "compare"         "compare"  "Mark the run or the call; on another one: compare the two"
    Delete           Main      ["D"]                "delete"          ""         "Delete the run or the session under the cursor, after asking"

    YankText         Main      ["y y"]              "yank-text"       "yank"     "Copy the text under the cursor as it was received; within a code block the code"
    YankArguments    Main      ["y a"]              "yank-arguments"  ""         "Copy what the tool was called with"
    YankResult       Main      ["y r"]              "yank-result"     ""         "Copy what the tool gave back"
    YankPath         Main      ["y k"]              "yank-path"       ""         "Copy the path of the JSON value under the cursor of the detail, as jq takes it"
    YankIds          Main      ["y i"]              "yank-ids"        ""         "Copy the ids of trace, span and session"
    YankMarkdown     Main      ["y m"]              "yank-markdown"   ""         "Copy the turn, run or session as Markdown, cut to about 8,000 tokens"
    YankAllMarkdown  Main      ["y M"]              "yank-all-markdown" ""       "Copy the turn, run or session as Markdown, cut to about 100,000 tokens"
    YankOtlp         Main      ["y j"]              "yank-otlp"       ""         "Copy the run or session as OTLP JSON"
    YankPrompt       Main      ["y p"]              "yank-prompt"     ""         "Copy what the call was sent as JSON"
    YankCurl         Main      ["y c"]              "yank-curl"       ""         "Copy a curl command that makes the call again"
    YankPython       Main      ["y b"]              "yank-python"     ""         "Copy Python that makes the call again (boto3, OpenAI, Anthropic)"
    SelectLines      Main      ["V"]                "select-lines"    ""         "Select lines of the detail: moves select more, y copies them as they were before they were cut to the width"
    ExportOtlp       Main      ["x j"]              "export-otlp"     "export"   "Write OTLP JSON of the run or session to a file, compressed: `sideseat-tui open FILE` shows it anywhere"
    ExportTranscript Main      ["x t"]              "export-transcript" ""       "Write a transcript of the run or session to a file"
    ExportMarkdown   Main      ["x m"]              "export-markdown" ""         "Write Markdown of the run or session to a file"
    ExportHtml       Main      ["x h"]              "export-html"     ""         "Write an HTML page of the run or session to a file: it needs nothing but a browser"
    ExportFiltered   Main      ["x f"]              "export-filtered" ""         "Write OTLP JSON of every run that the filter lets through to a file, compressed"

    YankLines        Selection ["y"]                "yank-lines"      "copy"     "Copy the selected lines, without indents and marks; one that was cut to the width is one"
    EndSelection     Selection ["V"]                "end-selection"   ""         "Select nothing any more"

    NextPanel        Stats     ["tab"]              "next-panel"      "panel"    "Go to the next panel of the statistics"
    PreviousPanel    Stats     ["shift-tab"]        "previous-panel"  ""         "Go to the panel before"
    NextFigure       Stats     ["l" "right"]        "next-figure"     "figure"   "Choose the next figure of the row: Enter lists the runs behind it, as those in which a call failed"
    PreviousFigure   Stats     ["h" "left"]         "previous-figure" "figure"   "Choose the figure before, at last the whole row"
    ShorterRange     Stats     ["<"]                "shorter-range"   "range"    "Only runs that began in a shorter time: day, hour"
    LongerRange      Stats     [">"]                "longer-range"    "range"    "Runs that began in a longer time: week, all"
    SinceMark        Stats     ["'"]                "since-mark"      "since"    "Only runs that began with a marked run or after it: the letter of its mark follows"
    Sort             Stats     [","]                "sort"            "sort"     "Order the rows by something else: cost, calls, failures, time, name"

    YankTable        Stats     ["y"]                "yank-table"      "yank"     "Copy the panel as a table, its cells apart by tabs"

    Narrow           List      ["/"]                "narrow"          "narrow"   "Narrow the list by text"
    RenameView       List      ["R"]                "rename-view"     "rename"   "Give the saved filter under the cursor another name"
    DeleteView       List      ["D"]                "delete-view"     "delete"   "Delete the saved filter under the cursor, after asking"

    Take             Line      ["enter"]            "take"            "take"     "Take what the line says"
    Leave            Line      ["esc"]              "leave"           "leave"    "Leave everything as it was before"
    Clear            Line      ["ctrl-u"]           "clear"           "clear"    "Clear the line up to the cursor"
    Complete         Line      ["tab"]              "complete"        "complete" "Complete what is typed; with nothing typed, show what there is; in the palette edit what is chosen"
    NextOffer        Line      ["down"]             "next-offer"      "choose"   "Choose the next of what is offered, or of the list; where a line of before is shown, the one after it"
    PreviousOffer    Line      ["up"]               "previous-offer"  "choose"   "Choose the one before; from the first on, and where nothing is offered: show the lines of before"
    History          Line      ["ctrl-r"]           "history"         "history"  "Offer the filters of before; in another line show the one before"
    SaveView         Line      ["ctrl-s"]           "save-view"       "save"     "Save the filter under a name"

    YankCommand      FirstRun  ["y"]                "yank-command"    "yank"     "Copy the command"
    YankSnippet      FirstRun  ["Y"]                "yank-snippet"    "yank"     "Copy the lines for the chosen SDK"
    SdkSideseat      FirstRun  ["1"]                "sdk-sideseat"    "SDK"      "Show the SideSeat SDK with Bedrock"
    SdkStrands       FirstRun  ["2"]                "sdk-strands"     "SDK"      "Show Strands"
    SdkLanggraph     FirstRun  ["3"]                "sdk-langgraph"   "SDK"      "Show LangGraph"
    SdkOpenai        FirstRun  ["4"]                "sdk-openai"      "SDK"      "Show the OpenAI Agents SDK"
    SdkOther         FirstRun  ["5"]                "sdk-other"       "SDK"      "Show any other OpenTelemetry SDK"
    Demo             FirstRun  ["d"]                "demo"            "demo"     "Play a story and a few recorded runs"
    TestSpan         FirstRun  ["t"]                "test-span"       "test"     "Send one test span through the port that takes exports over HTTP, and say what came of it"

    Back             Anywhere  ["esc"]              "back"            "back"     "Undo one thing: overlay, statistics, enlarged pane, prompt or comparison, focus, mark, session filter, filter; never quits"
    Stats            Anywhere  ["S"]                "stats"           "stats"    "Show statistics of all runs: what was spent, how it went, how long it took; Enter lists the runs behind a row"
    Palette          Anywhere  [":" "ctrl-p"]       "palette"         "palette"  "Do anything by its name: actions with their keys, runs, sessions, themes"
    Pause            Anywhere  ["P"]                "pause"           "pause"    "Freeze the view; receiving goes on"
    Theme            Anywhere  ["T"]                "theme"           "theme"    "Choose a theme, seen while choosing"
    Mouse            Anywhere  ["M"]                "mouse"           ""         "Leave the mouse to the terminal, which selects and copies by it; once more: take it back"
    Redraw           Anywhere  ["ctrl-l"]           "redraw"          ""         "Draw everything again"
    Suspend          Anywhere  ["ctrl-z"]           "suspend"         ""         "Stop and go to the shell; nothing is received until `fg`"
    Help             Anywhere  ["?"]                "help"            "help"     "Show what every key does here"
    Close            Anywhere  ["q"]                "close"           "quit"     "Close what lies on top, else quit"
    Quit             Anywhere  ["ctrl-c"]           "quit"            ""         "Quit; twice: at once"
}

/// An action for each tab of the detail.
const TABS: &[Row] = &{
    const FIRST: Row =
        Row { action: Action::Tab(Tab::ALL[0]), place: Place::Main, keys: &[], name: "", hint: "tab", help: "" };
    let mut rows = [FIRST; Tab::ROWS.len()];
    let mut at = 0;
    while at < rows.len() {
        let TabRow { tab, keys, action, help, .. } = Tab::ROWS[at];
        rows[at] = Row { action: Action::Tab(tab), keys, name: action, help, ..FIRST };
        at += 1;
    }
    rows
};

/// The rows of three tables, one after another; `N`: how many they have together.
const fn joined<const N: usize>(tables: [&[Row]; 3]) -> [Row; N] {
    let mut rows = [tables[0][0]; N];
    let (mut at, mut table) = (0, 0);
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            rows[at] = tables[table][row];
            (at, row) = (at + 1, row + 1);
        }
        table += 1;
    }
    rows
}

impl Action {
    /// Its row of the table.
    #[must_use]
    pub fn row(self) -> &'static Row {
        &ACTIONS[self.at()]
    }

    /// The place of its row in the table.
    pub(super) fn at(self) -> usize {
        ACTIONS.iter().position(|row| row.action == self).expect("every action has a row")
    }

    /// Its name in `[keys]`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_finds_its_own_row() {
        for row in ACTIONS {
            assert_eq!(row.action.row().name, row.name);
        }
    }

    #[test]
    fn names_are_used_once() {
        for (index, row) in ACTIONS.iter().enumerate() {
            assert!(ACTIONS[index + 1..].iter().all(|other| other.name != row.name), "{}", row.name);
        }
    }
}
