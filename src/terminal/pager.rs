//! Texts in the user's own pager and editor.

use std::{
    env, io,
    io::Write as _,
    process::{Command, ExitStatus},
};

/// Why a text was not shown.
#[derive(Debug, thiserror::Error)]
pub enum PagerError {
    #[error("the text cannot be written to a file: {0}")]
    File(io::Error),
    #[error("`{program}` cannot be run: {why}; ${variable} names another program")]
    NotRun { program: String, variable: &'static str, why: io::Error },
    #[error("`{program}` was not found; ${variable} names another program")]
    NotFound { program: String, variable: &'static str },
}

/// What a shell answers for a program that it does not find.
const NOT_FOUND: i32 = 127;

/// Shows a text, and waits until the program has ended. The terminal is the program's meanwhile.
pub fn show(text: &str, ending: &str, edit: bool) -> Result<(), PagerError> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let (variable, program) = if edit {
        ("EDITOR", set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned()))
    } else {
        ("PAGER", set("PAGER").unwrap_or_else(|| "less".to_owned()))
    };
    // Others of this machine may not read it; it is gone when it is closed.
    let mut file = tempfile::Builder::new()
        .prefix("sideseat-")
        .suffix(&format!(".{ending}"))
        .tempfile()
        .map_err(PagerError::File)?;
    file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(PagerError::File)?;
    // The variable may hold options. The name of the file is an argument, and no part of the command.
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{program} \"$1\""), "sh"]).arg(file.path());
    match command.status() {
        Err(why) => Err(PagerError::NotRun { program, variable, why }),
        Ok(status) if is_not_found(status) => Err(PagerError::NotFound { program, variable }),
        Ok(_) => Ok(()),
    }
}

fn is_not_found(status: ExitStatus) -> bool {
    status.code() == Some(NOT_FOUND)
}
