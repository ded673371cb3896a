//! `prune`: removes old runs from the store. In the store itself if nobody holds it, else through the instance that does.

use std::{collections::HashMap, ffi::OsString, io};

use super::{
    GOOD,
    reading::{Access, Output, Reads},
    table::{self, Align, Column},
};
use crate::{
    app::{
        format,
        removed::{self, count},
    },
    config::{Age, Bytes, Given, Keep, Layer, Origin, Settings},
    model::{Doomed, Limits, Removal, SessionId, Timestamp},
    start,
    store::Store,
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui prune --dry-run --older 30d      # what would go
  sideseat-tui prune --keep-size 2GiB           # the oldest sessions, until the file is no larger
  sideseat-tui prune --session trip-42          # one session, marked or not
  sideseat-tui prune --compact                  # the file is made as small as it can be

Marked runs are kept, but where their session is named. What is removed cannot be brought back.";

/// Most sessions that are listed for a person.
const LISTED: usize = 20;

#[derive(Debug, Clone, Default, clap::Args)]
pub struct Arguments {
    /// Remove runs that were last active longer ago than this: `30d`, `8w` or `12h`
    #[arg(long, value_name = "AGE")]
    older: Option<Keep<Age>>,

    /// Remove all runs of this session
    #[arg(long, value_name = "ID", conflicts_with = "older")]
    session: Option<String>,

    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,

    /// Remove nothing, but write the file anew, as small as it can be. Nobody else may use the store meanwhile, and the
    /// disk needs room for two of it
    #[arg(long, conflicts_with_all = ["older", "session", "dry_run"])]
    pub compact: bool,

    /// What is kept; worked out by [`Arguments::with`] and [`Arguments::with_flags`].
    #[arg(skip)]
    limits: Limits,
}

impl Arguments {
    /// With the limits that are asked for; without any, with those of the settings.
    pub fn with(self, settings: &Settings) -> Self {
        fn flag<T: Copy>(given: &Given<T>) -> Option<T> {
            (given.from == Origin::Flag).then_some(given.value)
        }
        let Settings { keep_size, keep_age, keep_runs, .. } = settings;
        let layer = Layer {
            keep_size: flag(keep_size),
            keep_age: flag(keep_age),
            keep_runs: flag(keep_runs),
            ..Layer::default()
        };
        let asked = self.with_flags(&layer);
        if asked.limits.is_empty() && asked.session.is_none() {
            return Self { limits: start::limits(settings), ..asked };
        }
        asked
    }

    /// With the limits of a command line alone.
    pub fn with_flags(self, flags: &Layer) -> Self {
        let age = self.older.or(flags.keep_age);
        let limits = Limits {
            size: flags.keep_size.and_then(Keep::most).map(|bytes| bytes.0),
            age: age.and_then(Keep::most).map(|age| age.0),
            runs: flags.keep_runs.and_then(Keep::most),
        };
        Self { limits, ..self }
    }

    /// The command line that says the same without settings.
    pub fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["sideseat-tui".into(), "prune".into()];
        let mut add = |flag: &str, value: Option<String>| {
            // In one word, as a value may begin with a dash.
            words.extend(value.map(|value| format!("{flag}={value}").into()));
        };
        let Limits { size, age, runs } = self.limits;
        add("--keep-size", size.map(|size| Bytes(size).to_string()));
        add("--older", age.map(|age| Age(age).to_string()));
        add("--keep-runs", runs.map(|runs| runs.to_string()));
        add("--session", self.session.clone());
        words.extend(self.dry_run.then(|| "--dry-run".into()));
        words
    }

    fn removal(&self) -> Removal {
        match &self.session {
            Some(session) => Removal::Session(Some(SessionId::from(session.as_str()))),
            None => Removal::Beyond(self.limits),
        }
    }
}

impl Reads for Arguments {
    fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.session.is_none() || self.limits.is_empty(),
            "--session removes all of one session; it goes with no limit"
        );
        Ok(())
    }

    fn access(&self) -> Access {
        if self.dry_run { Access::Read } else { Access::Remove }
    }

    fn run(&self, store: &Store, output: &mut Output) -> anyhow::Result<u8> {
        let removal = self.removal();
        if self.dry_run {
            return foretell(store, &removal, output);
        }
        let before = store.size();
        let gone = store.remove(removal)?;
        if gone.is_empty() {
            writeln!(output.out, "Nothing to remove: {}.", kept(store)?)?;
        } else {
            writeln!(output.out, "Removed {}.{}", removed::removed(&gone), sizes(before, store.size()))?;
        }
        Ok(GOOD)
    }
}

/// Says what would be removed.
fn foretell(store: &Store, removal: &Removal, output: &mut Output) -> anyhow::Result<u8> {
    let doomed = store.doomed(removal)?;
    if doomed.is_empty() {
        writeln!(output.out, "Nothing would be removed: {}.", kept(store)?)?;
        return Ok(GOOD);
    }
    let sessions = by_session(&doomed);
    let listed = if output.printer.is_terminal { LISTED } else { usize::MAX };
    write_table(output, &sessions, listed)?;
    let more = sessions.len().saturating_sub(listed);
    if more > 0 {
        writeln!(output.out, "… and {} more", format::exact(more as u64))?;
    }
    let records: u64 = doomed.iter().map(|doomed| doomed.records).sum();
    let runs = doomed.iter().filter(|doomed| doomed.is_listed).count() as u64;
    let all = store.held()?;
    let share = store.size().map_or_else(String::new, |size| {
        let bytes = u128::from(size) * u128::from(records) / u128::from(all.records.max(1));
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX).min(size);
        format!(", about {} of {}", format::size(bytes), format::size(size))
    });
    writeln!(output.out, "\nWould remove {} of {}{share}.", format::exact(runs), count(all.runs, "run", "runs"))?;
    Ok(GOOD)
}

/// What would go of one session, or of the traces without one.
struct OfSession<'a> {
    session: Option<&'a SessionId>,
    runs: u64,
    records: u64,
    last_seen: Timestamp,
}

/// By session, the first to go first; all traces without a session are one row.
fn by_session(doomed: &[Doomed]) -> Vec<OfSession<'_>> {
    let mut rows: Vec<OfSession> = Vec::new();
    let mut places = HashMap::new();
    for Doomed { session, is_listed, records, last_seen, .. } in doomed {
        let session = session.as_ref();
        let place = *places.entry(session).or_insert(rows.len());
        if place == rows.len() {
            rows.push(OfSession { session, runs: 0, records: 0, last_seen: Timestamp::default() });
        }
        if let Some(row) = rows.get_mut(place) {
            row.runs += u64::from(*is_listed);
            row.records += records;
            row.last_seen = row.last_seen.max(*last_seen);
        }
    }
    rows
}

fn write_table(output: &mut Output, sessions: &[OfSession], most: usize) -> io::Result<()> {
    const COLUMNS: [Column; 4] = [
        Column::new("SESSION", Align::LeftShrinking, 0),
        Column::new("RUNS", Align::Right, 0),
        Column::new("SPANS AND RECORDS", Align::Right, 2),
        Column::new("LAST SEEN", Align::Left, 1),
    ];
    let zone = output.printer.zone();
    let row = |row: &OfSession| {
        vec![
            row.session.map_or("(no session)", SessionId::as_str).to_owned(),
            format::exact(row.runs),
            format::exact(row.records),
            zone.date(row.last_seen),
        ]
    };
    let rows: Vec<Vec<String>> = sessions.iter().take(most).map(row).collect();
    table::write(output.out, &COLUMNS, &rows, output.printer.columns)
}

/// `64 runs, 38 MB`: what a store holds.
pub fn kept(store: &Store) -> anyhow::Result<String> {
    let size = store.size().map_or_else(String::new, |size| format!(", {}", format::size(size)));
    Ok(format!("{}{size}", count(store.held()?.runs, "run", "runs")))
}

/// ` The file has 1.2 GB now, 3.4 GB before.`
pub fn sizes(before: Option<u64>, now: Option<u64>) -> String {
    match before.zip(now) {
        None => String::new(),
        Some((before, now)) if now < before / 10 * 9 => {
            format!(" The file has {} now, {} before.", format::size(now), format::size(before))
        }
        // What goes leaves holes, and a file ends only after the last thing in it.
        Some((_, now)) => format!(" The file has {}; new runs use the room of what went.", format::size(now)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_another_instance_is_asked_is_what_was_asked_here() {
        let limits = Limits { size: Some(2 << 30), age: Some(Duration::from_hours(720)), runs: Some(100) };
        let asked = Arguments { dry_run: true, limits, ..Arguments::default() };
        let words = ["sideseat-tui", "prune", "--keep-size=2GiB", "--older=30d", "--keep-runs=100", "--dry-run"];
        assert_eq!(asked.words(), words);
        let words = asked.words().into_iter().map(|word| word.into_string().unwrap()).collect();
        let super::super::commands::Command::Prune(there) = super::super::command_of(words).unwrap() else { panic!() };
        assert_eq!((there.limits, there.dry_run, there.removal()), (limits, true, Removal::Beyond(limits)));
        let session = Arguments { session: Some("--odd".into()), ..Arguments::default() };
        let words = session.words().into_iter().map(|word| word.into_string().unwrap()).collect();
        let super::super::commands::Command::Prune(there) = super::super::command_of(words).unwrap() else { panic!() };
        assert_eq!(there.removal(), Removal::Session(Some("--odd".into())));
        assert!(there.check().is_ok());
    }
}
