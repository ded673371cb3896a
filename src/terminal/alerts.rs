//! What reaches somebody who looks elsewhere: the bell, a notification, the title of the window.

use std::io;

use super::guard::{self, Tty};
use crate::app::Alerts;

/// How a terminal is asked to show a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// iTerm2's: `OSC 9 ; text`.
    Osc9,
    /// rxvt's: `OSC 777 ; notify ; title ; text`.
    Osc777,
}

/// Rings, notifies and writes the title, as far as the settings allow.
pub struct Alerter {
    alerts: Alerts,
    form: Form,
    in_tmux: bool,
    /// The title as it was last written.
    title: Option<String>,
}

impl Alerter {
    pub fn new(alerts: Alerts, variable: impl Fn(&str) -> Option<String>, in_tmux: bool) -> Self {
        // foot and rxvt know OSC 777 only. Never both are sent: a terminal that knows both would notify twice.
        let osc777 = variable("TERM").is_some_and(|term| ["foot", "rxvt"].iter().any(|name| term.starts_with(name)));
        Self { alerts, form: if osc777 { Form::Osc777 } else { Form::Osc9 }, in_tmux, title: None }
    }

    /// Goes by these from now on. A title that is not written any more is the window's own again.
    pub fn set(&mut self, alerts: Alerts, tty: &Tty) -> io::Result<()> {
        self.alerts = alerts;
        if alerts.title {
            return Ok(());
        }
        self.title = None;
        tty.title_back()
    }

    /// Rings and notifies. `text`: one of ours, without anything that was received.
    pub fn alert(&self, text: &str) -> io::Result<()> {
        let bell = if self.alerts.bell { "\x07" } else { "" };
        let notice = if self.alerts.notify { notification(self.form, text, self.in_tmux) } else { String::new() };
        guard::write(format!("{bell}{notice}").as_bytes())
    }

    /// Writes the title where it is another.
    pub fn show_title(&mut self, title: &str, tty: &Tty) -> io::Result<()> {
        if !self.alerts.title || self.title.as_deref() == Some(title) {
            return Ok(());
        }
        tty.keep_title()?;
        self.title = Some(title.to_owned());
        guard::write(format!("\x1b]2;{title}\x1b\\").as_bytes())
    }

    /// The terminal was given back and taken again: the title is to be written anew.
    pub fn forget_title(&mut self) {
        self.title = None;
    }
}

fn notification(form: Form, text: &str, in_tmux: bool) -> String {
    let plain = match form {
        Form::Osc9 => format!("\x1b]9;sideseat-tui: {text}\x07"),
        Form::Osc777 => format!("\x1b]777;notify;sideseat-tui;{text}\x07"),
    };
    // tmux passes what is wrapped so to the terminal around it, if its option `allow-passthrough` is on.
    if in_tmux { format!("\x1bPtmux;\x1b{plain}\x1b\\") } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_has_the_form_that_the_terminal_knows() {
        let form = |term: &str| Alerter::new(Alerts::default(), |_| Some(term.to_owned()), false).form;
        assert_eq!(
            [form("foot-extra"), form("rxvt-unicode"), form("xterm-256color")],
            [Form::Osc777, Form::Osc777, Form::Osc9]
        );
        assert_eq!(notification(Form::Osc9, "1 run failed", false), "\x1b]9;sideseat-tui: 1 run failed\x07");
        assert_eq!(
            notification(Form::Osc777, "1 run failed", true),
            "\x1bPtmux;\x1b\x1b]777;notify;sideseat-tui;1 run failed\x07\x1b\\"
        );
    }
}
