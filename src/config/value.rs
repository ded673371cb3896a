//! The types of settings. Each is parsed from one text, whether that is on the command line, in the environment or in the
//! file.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use clap::ValueEnum;
use serde::{Deserialize, Deserializer, de};

/// Where spans are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Db {
    /// `:memory:`: nothing outlives the program.
    Memory,
    File(PathBuf),
}

impl Db {
    const MEMORY: &str = ":memory:";
}

impl FromStr for Db {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err("an empty path; give a file, or `:memory:`"),
            Self::MEMORY => Ok(Self::Memory),
            path => Ok(Self::File(path.into())),
        }
    }
}

impl fmt::Display for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str(Self::MEMORY),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// An address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind(pub IpAddr);

impl Default for Bind {
    fn default() -> Self {
        Self(Ipv4Addr::LOCALHOST.into())
    }
}

impl Bind {
    /// Whether other machines can reach it.
    #[must_use]
    pub fn is_open(self) -> bool {
        !self.0.is_loopback()
    }
}

impl FromStr for Bind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "localhost" {
            return Ok(Self::default());
        }
        let ip = text.parse().map_err(|_| format!("`{text}` is no IP address; give 127.0.0.1, ::1 or 0.0.0.0"))?;
        Ok(Self(ip))
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A port to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    Off,
    /// 0 is any free one.
    Number(u16),
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let number = text.parse().map_err(|_| format!("`{text}` is no port; give 1 to 65535, 0 for any, or `off`"))?;
        Ok(Self::Number(number))
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// A limit of how much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep<T> {
    /// There is no such limit.
    All,
    Most(T),
}

impl<T> Keep<T> {
    /// The limit; `None` if there is none.
    #[must_use]
    pub fn most(self) -> Option<T> {
        match self {
            Self::All => None,
            Self::Most(most) => Some(most),
        }
    }

    fn parse(text: &str, what: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        parse(text).map(Self::Most).ok_or_else(|| format!("`{text}` is no {what}, or `all`"))
    }
}

impl<T: fmt::Display> fmt::Display for Keep<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Most(most) => most.fmt(f),
        }
    }
}

/// A number and its unit, as people write them: `4GiB`, `30 d`.
fn with_unit(text: &str) -> Option<(u64, String)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim().to_lowercase()))
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl Bytes {
    /// An empty store takes a part of this, and no limit is lower: it would keep nothing.
    pub const LEAST: Self = Self(16 << 20);
    const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
}

impl FromStr for Keep<Bytes> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |text: &str| {
            let (number, unit) = with_unit(text)?;
            let times = match unit.as_str() {
                "" | "b" => 1,
                "k" | "kb" => 1000,
                "m" | "mb" => 1_000_000,
                "g" | "gb" => 1_000_000_000,
                "t" | "tb" => 1_000_000_000_000,
                unit => Bytes::UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
            };
            number.checked_mul(times).map(Bytes)
        };
        match Self::parse(text, "size; give one such as `4GiB` or `500MB`", parse)? {
            Self::Most(bytes) if bytes.0 < Bytes::LEAST.0 => {
                Err(format!("`{text}` is too little for a store; give at least {}", Bytes::LEAST))
            }
            keep => Ok(keep),
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = Self::UNITS.iter().find(|(_, times)| self.0 >= *times && self.0.is_multiple_of(*times));
        match unit {
            Some((name, times)) => write!(f, "{}{name}", self.0 / times),
            None => write!(f, "{}B", self.0),
        }
    }
}

/// A length of time, in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age(pub Duration);

impl Age {
    const UNITS: [(&str, u64); 4] = [("w", 7 * 86_400), ("d", 86_400), ("h", 3600), ("m", 60)];
}

impl FromStr for Keep<Age> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |text: &str| {
            let (number, unit) = with_unit(text)?;
            let (_, seconds) = Age::UNITS.iter().find(|(name, _)| *name == unit)?;
            number.checked_mul(*seconds).filter(|seconds| *seconds > 0).map(|seconds| Age(Duration::from_secs(seconds)))
        };
        Self::parse(text, "age; give one such as `30d`, `8w` or `12h`", parse)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        // As days, however many weeks they are: so most people write it.
        let units = Self::UNITS.iter().skip(1);
        let (name, length) = units.clone().find(|(_, length)| seconds.is_multiple_of(*length)).unwrap_or(&("m", 60));
        write!(f, "{}{name}", seconds / length)
    }
}

impl FromStr for Keep<u64> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text, "number of runs", |text| text.parse().ok().filter(|runs| *runs > 0))
    }
}

/// The least severe events that are written into the log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogLevel {
    /// No log file at all.
    Off,
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::value_variants();
        known.iter().find(|level| level.as_str() == text).copied().ok_or_else(|| {
            let hint = crate::nearest::hint(text, known.iter().map(|level| level.as_str()));
            format!("`{text}` is no log level; {hint}")
        })
    }
}

/// The chords of one action: `"q"` or `["q", "ctrl-c"]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a key such as \"q\", or a list of keys")]
pub enum Chords {
    One(String),
    Many(Vec<String>),
}

impl From<Chords> for Vec<String> {
    fn from(chords: Chords) -> Self {
        match chords {
            Chords::One(chord) => vec![chord],
            Chords::Many(chords) => chords,
        }
    }
}

type KeepBytes = Keep<Bytes>;
type KeepAge = Keep<Age>;
type KeepRuns = Keep<u64>;

/// Deserializes a setting by its `FromStr`, from a text or, as ports may be written, from a number.
macro_rules! deserialize_by_from_str {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(TextOrNumber)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

deserialize_by_from_str!(Db, Bind, Port, LogLevel, KeepBytes, KeepAge, KeepRuns);

struct TextOrNumber;

impl de::Visitor<'_> for TextOrNumber {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word in quotes, or a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_this_machine_or_open_to_others() {
        let open = |text: &str| text.parse::<Bind>().map(Bind::is_open);
        assert_eq!([open("::1"), open("localhost"), open("127.0.0.2")], [Ok(false), Ok(false), Ok(false)]);
        assert_eq!([open("0.0.0.0"), open("::"), open("10.1.2.3")], [Ok(true), Ok(true), Ok(true)]);
        assert_eq!(open("all").unwrap_err(), "`all` is no IP address; give 127.0.0.1, ::1 or 0.0.0.0");
    }

    #[test]
    fn limits_are_read_as_people_write_them_and_written_so() {
        let size = |text: &str| text.parse::<Keep<Bytes>>().map(|keep| keep.to_string());
        assert_eq!(size("4GiB").unwrap(), "4GiB");
        assert_eq!(size("500 mb").unwrap(), "500000000B");
        assert_eq!((size("all").unwrap(), size("17179869184").unwrap()), ("all".into(), "16GiB".into()));
        assert_eq!(size("5 B").unwrap_err(), "`5 B` is too little for a store; give at least 16MiB");
        for wrong in ["", "GiB", "4 parsecs", "-1", "99999999999GiB"] {
            assert!(size(wrong).unwrap_err().contains("such as `4GiB`"), "{wrong}");
        }
        let age = |text: &str| text.parse::<Keep<Age>>().map(|keep| keep.to_string());
        assert_eq!(
            (age("30d").unwrap(), age("2w").unwrap(), age("90m").unwrap()),
            ("30d".into(), "14d".into(), "90m".into())
        );
        for wrong in ["30", "0d", "d", "30y", "99999999999999999d"] {
            assert!(age(wrong).unwrap_err().contains("such as `30d`"), "{wrong}");
        }
        assert_eq!("100".parse(), Ok(Keep::Most(100_u64)));
        assert!("few".parse::<Keep<u64>>().is_err() && "0".parse::<Keep<u64>>().is_err());
    }

    #[test]
    fn a_port_is_a_number_or_off() {
        assert_eq!("off".parse(), Ok(Port::Off));
        assert_eq!("0".parse(), Ok(Port::Number(0)));
        assert!("70000".parse::<Port>().is_err() && "-1".parse::<Port>().is_err());
    }
}
