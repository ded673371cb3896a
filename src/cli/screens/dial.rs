//! How a screen reaches an instance: by its socket, or over HTTP, which is left once both sides agree.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream, ToSocketAddrs as _},
    os::unix::net::UnixStream,
    str::FromStr,
    time::Duration,
};

use anyhow::Context as _;

use crate::{
    app::Listening,
    config::Secret,
    model::{Value, json},
    receive::PROTOCOL,
};

/// How long it may take until an address answers.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of the head of an answer, and of what a refusal says.
const HEAD: usize = 16 << 10;

/// A connection to an instance.
#[derive(Debug)]
pub enum Wire {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Wire {
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
        })
    }

    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.set_read_timeout(timeout),
            Self::Tcp(stream) => stream.set_read_timeout(timeout),
        }
    }

    /// Whether the instance may be on another machine.
    pub fn is_far(&self) -> bool {
        matches!(self, Self::Tcp(_))
    }

    /// Ends it for both sides.
    pub fn close(&self) {
        // It may have ended already.
        let _ = match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Wire {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(bytes),
            Self::Tcp(stream) => stream.read(bytes),
        }
    }
}

impl Write for &Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Unix(stream) => (&mut &*stream).write(bytes),
            Wire::Tcp(stream) => (&mut &*stream).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where an instance takes OTLP over HTTP: `build-box:4318`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const USUAL: u16 = 4318;
        if text.starts_with("https://") {
            return Err("there is no TLS here; forward the port with ssh -L, and attach to 127.0.0.1".to_owned());
        }
        let text = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        let no_address = || format!("`{text}` is no address; give HOST or HOST:PORT");
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':').or((rest.is_empty()).then_some(""))),
            // Several colons are those of an IPv6 address.
            None if text.matches(':').count() > 1 => (text, Some("")),
            None => text.split_once(':').map_or((text, Some("")), |(host, port)| (host, Some(port))),
        };
        let port = match port.ok_or_else(no_address)? {
            "" => USUAL,
            port => port.parse().map_err(|_| no_address())?,
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._:%".contains(c);
        if host.is_empty() || !host.chars().all(is_name) {
            return Err(no_address());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl Address {
    /// As an address that takes exports.
    pub fn listening(&self) -> Listening {
        Listening { what: "HTTP".to_owned(), address: self.host.clone(), port: self.port, note: None }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Connects to the instance at an address.
///
/// # Errors
/// Nobody is there, no sideseat-tui is, or the token is not right.
pub fn dial(address: &Address, token: Option<&Secret>) -> anyhow::Result<Wire> {
    let found = (address.host.as_str(), address.port).to_socket_addrs();
    let mut failed = None;
    let connected = found.with_context(|| format!("{address} is not known"))?.find_map(|address| {
        TcpStream::connect_timeout(&address, PATIENCE).inspect_err(|error| failed = Some(error.to_string())).ok()
    });
    let Some(mut stream) = connected else {
        anyhow::bail!("nobody answers at {address}: {}", failed.unwrap_or_else(|| "it has no address".to_owned()))
    };
    let _ = stream.set_nodelay(true);
    stream.set_read_timeout(Some(PATIENCE))?;
    let token = token.map(|token| format!("authorization: Bearer {}\r\n", token.reveal())).unwrap_or_default();
    write!(
        stream,
        "GET /api/v1/attach HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: {PROTOCOL}\r\n{token}\r\n"
    )?;
    let head = head(&mut stream).with_context(|| format!("{address} does not answer as a sideseat-tui does"))?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    if status == "101" {
        stream.set_read_timeout(None)?;
        return Ok(Wire::Tcp(stream));
    }
    let said = said(&mut stream, &head);
    Err(match status {
        "401" if token.is_empty() => anyhow::anyhow!(
            "{address} wants the token that it was started with: set SIDESEAT_TUI_TOKEN, or give --token"
        ),
        "401" => anyhow::anyhow!("{address} was started with another token"),
        "403" => anyhow::anyhow!("{address}: {}", said.unwrap_or_else(|| "screens may not attach".to_owned())),
        "404" => anyhow::anyhow!("{address} takes no screens: it may be an older sideseat-tui, or its gRPC port"),
        _ => anyhow::anyhow!("{address} answered {status}: is it the HTTP port of a sideseat-tui?"),
    })
}

/// The head of an answer, and nothing of what follows it.
fn head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
        if head.len() > HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    if head.starts_with("HTTP/1.") { Ok(head) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// The message of a refusal.
fn said(stream: &mut impl Read, head: &str) -> Option<String> {
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    let mut body = vec![0; length.min(HEAD)];
    stream.read_exact(&mut body).ok()?;
    let body: Value = json::parse_bytes(&body).ok()?;
    body.str("message").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let of = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        for (text, meant) in [
            ("build-box", "build-box:4318"),
            ("build-box:14318", "build-box:14318"),
            ("http://127.0.0.1:4318/", "127.0.0.1:4318"),
            ("::1", "[::1]:4318"),
            ("[::1]:9", "[::1]:9"),
        ] {
            assert_eq!(of(text).as_deref(), Ok(meant));
        }
        for wrong in ["", ":4318", "a:b", "a b", "a\r\nx: y", "[::1]9", "https://box", "box:70000", "box/x"] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_head_ends_where_it_ends() {
        let mut answer = &b"HTTP/1.1 403 Forbidden\r\nContent-Length: 15\r\n\r\n{\"message\":\"x\"}W"[..];
        let found = head(&mut answer).unwrap();
        assert_eq!(said(&mut answer, &found).as_deref(), Some("x"));
        assert_eq!(answer, b"W");
        assert!(head(&mut &b"SSH-2.0\r\n\r\n"[..]).is_err() && head(&mut &b"HTTP/1.1 200"[..]).is_err());
    }
}
