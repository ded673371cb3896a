//! Copying: by the system's own program, by tmux, or by the terminal itself (OSC 52), which reaches the clipboard of the
//! user's own machine also through SSH.

use std::{
    io::{self, Write as _},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::guard;

/// The most that every common terminal takes in one go, in base64.
const MOST: usize = 74_994;
/// The most that is handed to a program, in bytes.
const MOST_PIPED: usize = 64 << 20;
/// A program that has not taken a text by then is not going to.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a program is looked after.
const LOOKS: Duration = Duration::from_millis(5);

/// How texts are copied here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clipboard {
    /// Programs that are tried, in order.
    programs: Vec<Program>,
    in_tmux: bool,
}

/// A program that takes a text on its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Program {
    words: &'static [&'static str],
    /// Where the text is then, for people.
    place: Option<&'static str>,
    /// It wants two bytes a letter.
    is_utf16: bool,
}

const fn program(words: &'static [&'static str]) -> Program {
    Program { words, place: None, is_utf16: false }
}

const TMUX: Program =
    Program { words: &["tmux", "load-buffer", "-w", "-"], place: Some("tmux's buffer"), is_utf16: false };

/// A text that no program took.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub text: String,
    pub what: String,
}

impl Clipboard {
    /// What there is, by the variables of the environment.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let has = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let in_tmux = has("TMUX");
        let mut programs = Vec::new();
        // Through SSH the clipboard of the other machine is nobody's.
        if !has("SSH_CONNECTION") && !has("SSH_TTY") {
            if cfg!(target_os = "macos") {
                programs.push(program(&["pbcopy"]));
            }
            if has("WSL_DISTRO_NAME") {
                programs.push(Program { is_utf16: true, ..program(&["clip.exe"]) });
            }
            if has("WAYLAND_DISPLAY") {
                programs.push(program(&["wl-copy"]));
            }
            if has("DISPLAY") {
                programs.push(program(&["xclip", "-selection", "clipboard"]));
                programs.push(program(&["xsel", "--clipboard", "--input"]));
            }
        }
        if in_tmux {
            programs.push(TMUX);
        }
        Self { programs, in_tmux }
    }

    /// Hands a text to the first program that takes it, on a thread of its own, and says where it is; without a program
    /// that takes it the text comes back.
    pub fn copy(&self, text: String, what: String, then: impl FnOnce(Result<String, Refused>) + Send + 'static) {
        if self.programs.is_empty() || text.len() > MOST_PIPED {
            return then(Err(Refused { text, what }));
        }
        let programs = self.programs.clone();
        thread::spawn(move || {
            let taken = programs.iter().find(|program| program.takes(&text).is_ok());
            then(match taken {
                Some(program) => Ok(told("copied", &text, program.place.map(|place| ("to", place)), &what)),
                None => Err(Refused { text, what }),
            });
        });
    }

    /// Asks the terminal to put a text into the clipboard, and says so, or why not.
    pub fn send(&self, refused: &Refused) -> io::Result<String> {
        let Refused { text, what } = refused;
        let Some(sequence) = sequence(text, self.in_tmux) else {
            return Ok(format!("{} are too many to copy through the terminal: {what}", bytes(text)));
        };
        guard::write(sequence.as_bytes())?;
        Ok(told("sent", text, Some(("to", "the terminal")), what))
    }
}

/// `copied 412 B: arguments of book_room`
fn told(how: &str, text: &str, place: Option<(&str, &str)>, what: &str) -> String {
    let place = place.map_or_else(String::new, |(to, place)| format!(" {to} {place}"));
    format!("{how} {}{place}: {what}", bytes(text))
}

fn bytes(text: &str) -> String {
    crate::app::format::bytes(text.len() as u64)
}

impl Program {
    /// Whether it ran, took all of a text and ended well in time.
    fn takes(&self, text: &str) -> io::Result<()> {
        let bytes = if self.is_utf16 {
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        } else {
            text.as_bytes().to_vec()
        };
        let [name, arguments @ ..] = self.words else { return Err(io::ErrorKind::NotFound.into()) };
        let mut child = Command::new(name)
            .args(arguments)
            .stdin(Stdio::piped())
            // Some stay to hand the text out, and would hold these open.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = child.stdin.take();
        let writing = thread::spawn(move || pipe.map_or(Ok(()), |mut pipe| pipe.write_all(&bytes)));
        wait(&mut child)?;
        writing.join().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }
}

/// Waits until a program has ended well; one that takes too long is ended.
fn wait(child: &mut Child) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return if status.success() { Ok(()) } else { Err(io::ErrorKind::Other.into()) };
        }
        if Instant::now() >= deadline {
            drop(child.kill());
            drop(child.wait());
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(LOOKS);
    }
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
    use std::sync::mpsc;

    use super::*;

    fn names(set: &[&str]) -> Vec<&'static str> {
        let variable = |name: &str| set.contains(&name).then(|| "1".to_owned());
        Clipboard::of(variable).programs.iter().map(|program| program.words[0]).collect()
    }

    #[test]
    fn a_text_is_wrapped_for_tmux_and_a_long_one_is_not_sent() {
        assert_eq!(sequence("hi\n", false).as_deref(), Some("\x1b]52;c;aGkK\x07"));
        assert_eq!(sequence("hi\n", true).as_deref(), Some("\x1b]52;c;aGkK\x07\x1bPtmux;\x1b\x1b]52;c;aGkK\x07\x1b\\"));
        assert_eq!(sequence(&"x".repeat(60_000), false), None);
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn the_systems_own_program_comes_before_tmux_and_through_ssh_there_is_none() {
        assert_eq!(names(&["WAYLAND_DISPLAY", "DISPLAY", "TMUX"]), ["wl-copy", "xclip", "xsel", "tmux"]);
        assert_eq!(names(&["DISPLAY", "SSH_TTY", "TMUX"]), ["tmux"]);
        assert_eq!(names(&["SSH_CONNECTION"]), [""; 0]);
        assert_eq!(names(&["WSL_DISTRO_NAME"]), ["clip.exe"]);
    }

    fn copied(programs: &[&'static [&'static str]], text: &str) -> Result<String, Refused> {
        let clipboard = Clipboard { programs: programs.iter().map(|words| program(words)).collect(), in_tmux: false };
        let (send, receive) = mpsc::channel();
        clipboard.copy(text.to_owned(), "result".to_owned(), move |went| drop(send.send(went)));
        receive.recv().unwrap()
    }

    #[test]
    fn what_one_program_does_not_take_the_next_one_does() {
        let took = copied(&[&["no-such-program"], &["false"], &["sh", "-c", "test \"$(cat)\" = hello"]], "hello");
        assert_eq!(took, Ok("copied 5 B: result".to_owned()));
        let large = "x".repeat(1 << 20);
        assert_eq!(
            copied(&[&["sh", "-c", "cat >/dev/null"]], &large).map(|told| told.starts_with("copied 1")),
            Ok(true)
        );
    }

    #[test]
    fn without_a_program_that_takes_it_the_text_comes_back() {
        let refused = Refused { text: "hello".to_owned(), what: "result".to_owned() };
        assert_eq!(copied(&[&["false"]], "hello"), Err(refused));
    }
}
