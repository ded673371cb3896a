//! What `x` writes to a file: a run, a session, or all that the filter lets through.

use super::{
    browse::RowId,
    event::{Effect, Export, ExportForm, ExportOf},
    state::State,
};
use crate::{keymap::Action, model::TraceId};

/// Nothing of a run of usual length is left out of a document of so many tokens.
const TOKENS: usize = 2_000_000;
/// Letters of a name of a file.
const NAME: usize = 40;

/// Writes what an action says.
pub fn export(state: &mut State, action: Action) -> Vec<Effect> {
    match state.exported(action) {
        Ok(export) => {
            state.notify("writing…");
            vec![Effect::Export(export)]
        }
        Err(why) => {
            state.notify(why);
            Vec::new()
        }
    }
}

impl State {
    fn exported(&self, action: Action) -> Result<Export, String> {
        if action == Action::ExportFiltered {
            let of = ExportOf::Filtered(self.filter.clone());
            let name = if self.filter.is_empty() { "runs".to_owned() } else { format!("runs-{}", self.filter.text) };
            return Ok(Export { of, form: ExportForm::Otlp, name: name_of_file(&name) });
        }
        let row = self.tree.cursor().ok_or("there is no run yet: nothing is written")?;
        let (of, name) = match &row.id {
            RowId::Span(trace, _) | RowId::Trace(trace) | RowId::NoSpans(trace) => {
                (ExportOf::Run(*trace), self.name_with_id(*trace))
            }
            RowId::Session(Some(session)) => (ExportOf::Session(session.clone()), session.as_str().to_owned()),
            RowId::Quiet(_) => return Err("go to one of these runs, or to their session".to_owned()),
            RowId::Session(None) | RowId::NoTraces(_) | RowId::Earlier(_) | RowId::Day(..) => {
                return Err("go to a run: these belong to no session".to_owned());
            }
            RowId::Program(_) => return Err("go to a run or a session: a program is no telemetry".to_owned()),
        };
        let form = match action {
            Action::ExportTranscript => ExportForm::Transcript,
            Action::ExportHtml => ExportForm::Html,
            Action::ExportMarkdown => ExportForm::Markdown(self.markdown_of_row(TOKENS)?.text),
            _ => ExportForm::Otlp,
        };
        Ok(Export { of, form, name: name_of_file(&name) })
    }

    /// `trip-planner-0af76519`
    fn name_with_id(&self, trace: TraceId) -> String {
        let summary = self.tree.trace(&trace);
        let name = summary.and_then(|run| run.label.clone().or_else(|| run.name.clone())).unwrap_or_default();
        let id = trace.to_string();
        format!("{} {}", name.chars().take(NAME - 9).collect::<String>(), id.get(..8).unwrap_or(&id))
    }
}

/// A name without anything that a shell or a file system takes for more than a letter.
fn name_of_file(name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' });
    let plain = letters.collect::<String>().split_whitespace().collect::<Vec<_>>().join("-");
    let name: String = plain.chars().take(NAME).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "export".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_file_is_letters_digits_and_hyphens() {
        assert_eq!(name_of_file("Trip Planner/../x"), "trip-planner-x");
        assert_eq!(name_of_file("日本"), "export");
        assert_eq!(name_of_file("-rf *"), "rf");
        assert!(name_of_file(&"a b".repeat(99)).len() <= NAME);
    }
}
