//! Copying by OSC 52, which reaches the clipboard of the user's own machine also through SSH.

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::guard;

/// The most that every common terminal takes in one go, in base64.
const MOST: usize = 74_994;

/// Asks the terminal to put a text into the clipboard; false where it is too long for that.
pub fn copy(text: &str, in_tmux: bool) -> io::Result<bool> {
    let Some(sequence) = sequence(text, in_tmux) else { return Ok(false) };
    guard::write(sequence.as_bytes())?;
    Ok(true)
}

fn sequence(text: &str, in_tmux: bool) -> Option<String> {
    let encoded = STANDARD.encode(text);
    if encoded.len() > MOST {
        return None;
    }
    let plain = format!("\x1b]52;c;{encoded}\x07");
    // tmux keeps the plain form as a buffer of its own (option `set-clipboard`), and passes the wrapped one to the terminal
    // around it (option `allow-passthrough`).
    let wrapped = if in_tmux { format!("\x1bPtmux;\x1b{plain}\x1b\\") } else { String::new() };
    Some(plain + &wrapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_for_tmux_and_a_long_one_is_not_sent() {
        assert_eq!(sequence("hi\n", false).as_deref(), Some("\x1b]52;c;aGkK\x07"));
        assert_eq!(sequence("hi\n", true).as_deref(), Some("\x1b]52;c;aGkK\x07\x1bPtmux;\x1b\x1b]52;c;aGkK\x07\x1b\\"));
        assert_eq!(sequence(&"x".repeat(60_000), false), None);
    }
}
