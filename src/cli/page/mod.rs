//! Runs as one HTML page for somebody who has nothing of this program: it needs no script and nothing from the net, and
//! folds by `<details>`.
//!
//! ```text
//!   run        one run: what there is to say of it, its time, its money
//!   messages   its conversations, turn by turn, with tools and reasoning
//!   html       markup, and texts that cannot become markup
//!   colours    two themes as style sheets
//! ```
//!
//! It stands here and not in `export`, for it says of a run what the screen says: its verdict, whose its time was, numbers
//! as people read them.

mod colours;
mod html;
mod messages;
mod run;

use std::{collections::HashSet, io::Write, sync::Arc};

use super::{
    assembled::{assembled, batches},
    export::by_session,
};
use crate::{
    app::format::{self, Zone},
    model::{AssembledTrace, Timestamp},
    store::{Pick, Picked, Store},
};
use html::Html;

/// A larger picture is named and not shown.
const LARGEST_PICTURE: usize = 4 << 20;
/// So many bytes of pictures one page holds.
const PICTURES: usize = 32 << 20;

/// What the pieces of a page are written with.
pub struct Writing<'a> {
    pub store: &'a Store,
    pub zone: &'a Zone,
    pub now: Timestamp,
    /// Bytes of pictures that may still go in.
    pictures: usize,
}

/// Writes what is picked, session by session.
///
/// # Errors
/// Those of the store and of `out`.
pub fn write(store: &Store, pick: &Pick, picks: &[Picked], zone: &Zone, out: &mut dyn Write) -> anyhow::Result<()> {
    let wanted: HashSet<_> = picks.iter().map(|picked| picked.trace).collect();
    let sessions = by_session(store, pick)?;
    let several = picks.len() > 1;
    let mut writing = Writing { store, zone, now: Timestamp::now(), pictures: PICTURES };
    let (mut number, mut secrets) = (0, 0);
    for batch in batches(&sessions) {
        for (trace, _) in assembled(store, batch)? {
            if !wanted.contains(&trace.trace) {
                continue;
            }
            let trace = Arc::new(trace);
            if number == 0 {
                head(&trace, pick, picks.len(), out)?;
            }
            number += 1;
            let mut html = Html::default();
            run::write(&mut html, &mut writing, &trace, several.then_some(number));
            secrets += html.secrets;
            out.write_all(html.finish().as_bytes())?;
        }
    }
    let hidden = match secrets {
        0 => String::new(),
        1 => " 1 secret was left out.".to_owned(),
        count => format!(" {} secrets were left out.", format::exact(count as u64)),
    };
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let made = zone.date(writing.now);
    writeln!(out, "<footer>Written by {name} {version} on {made}.{hidden}</footer>\n</body>\n</html>")?;
    Ok(())
}

/// The beginning of the page: what it is about, and how it looks. Nothing may be loaded by it, whatever is in it.
fn head(first: &AssembledTrace, pick: &Pick, runs: usize, out: &mut dyn Write) -> anyhow::Result<()> {
    let title = match &pick.session {
        Some(session) => format!("session {}", session.as_str()),
        None if runs > 1 => format!("{} runs", format::exact(runs as u64)),
        None => run::name(first),
    };
    let mut plain = Html::default();
    plain.text(&title);
    let title = plain.finish();
    let (colours, style) = (colours::sheet()?, include_str!("page.css"));
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n\
         <style>\n{colours}{style}</style>\n</head>\n<body>\n"
    )?;
    if runs > 1 {
        let note = match &pick.session {
            Some(_) => format!("{} runs", format::exact(runs as u64)),
            None => "those of a session stand together".to_owned(),
        };
        writeln!(out, "<h1>{title}</h1>\n<p class=\"note\">{note}</p>")?;
    }
    Ok(())
}

impl Writing<'_> {
    /// The bytes of a picture, as long as there is room for them.
    fn picture(&mut self, sha256: &[u8; 32], bytes: u64) -> Option<Vec<u8>> {
        let size = usize::try_from(bytes).ok().filter(|size| *size <= LARGEST_PICTURE.min(self.pictures))?;
        let picture = self.store.blob(sha256).ok().flatten()?;
        self.pictures -= size;
        Some(picture)
    }
}
