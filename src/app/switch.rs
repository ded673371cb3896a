//! The settings that are on or off and can be changed while the program runs.

/// A setting that is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    Ascii,
    Bell,
    Notify,
    Title,
    Mouse,
    Wrap,
    Raw,
}

impl Switch {
    pub const ALL: [Self; 7] = [Self::Ascii, Self::Bell, Self::Notify, Self::Title, Self::Mouse, Self::Wrap, Self::Raw];

    /// As it is typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Bell => "bell",
            Self::Notify => "notify",
            Self::Title => "title",
            Self::Mouse => "mouse",
            Self::Wrap => "wrap",
            Self::Raw => "raw",
        }
    }

    /// What it is for.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Ascii => "marks and lines in ASCII",
            Self::Bell => "the bell rings when a run ends or fails",
            Self::Notify => "a notification when a run ends or fails",
            Self::Title => "the window's title counts runs",
            Self::Mouse => "the mouse is this program's",
            Self::Wrap => "lines are cut to the width",
            Self::Raw => "texts as they were received",
        }
    }

    /// Whether a key of the settings file has its name.
    #[must_use]
    pub fn is_setting(self) -> bool {
        matches!(self, Self::Ascii | Self::Bell | Self::Notify | Self::Title)
    }
}
