//! The types of settings. Each is parsed from one text, whether that is on the command line, in the environment or in the
//! file.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    str::FromStr,
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

/// An address that only this machine reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loopback(pub IpAddr);

impl Default for Loopback {
    fn default() -> Self {
        Self(Ipv4Addr::LOCALHOST.into())
    }
}

impl FromStr for Loopback {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "localhost" {
            return Ok(Self::default());
        }
        let ip: IpAddr = text.parse().map_err(|_| format!("`{text}` is no IP address; give 127.0.0.1 or ::1"))?;
        if ip.is_loopback() {
            Ok(Self(ip))
        } else {
            // Everybody who can reach the port could fill the disk: other addresses need authentication first.
            Err(format!("`{text}` is no loopback address; this version listens on 127.0.0.1 or ::1 only"))
        }
    }
}

impl fmt::Display for Loopback {
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

deserialize_by_from_str!(Db, Loopback, Port, LogLevel);

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
    fn only_loopback_addresses_are_listened_on() {
        assert!("::1".parse::<Loopback>().is_ok() && "localhost".parse::<Loopback>().is_ok());
        let why = "0.0.0.0".parse::<Loopback>().unwrap_err();
        assert_eq!(why, "`0.0.0.0` is no loopback address; this version listens on 127.0.0.1 or ::1 only");
    }

    #[test]
    fn a_port_is_a_number_or_off() {
        assert_eq!("off".parse(), Ok(Port::Off));
        assert_eq!("0".parse(), Ok(Port::Number(0)));
        assert!("70000".parse::<Port>().is_err() && "-1".parse::<Port>().is_err());
    }
}
