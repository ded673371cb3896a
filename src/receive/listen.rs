//! Binds ports: those that were chosen, or the next free ones; finds out which process holds one that is taken.

use std::{
    fmt,
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::TcpListener;

use super::{Screens, Token};
use crate::platform::holder;

/// What is accepted on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP.
    Http,
    /// OTLP over HTTP as well, on the port that SideSeat's SDK sends to.
    Sideseat,
    /// Both on one port; `run` has such a port for its program.
    Any,
}

impl Protocol {
    /// Every protocol, each at the place of its number.
    pub const ALL: [Self; 4] = [Self::Grpc, Self::Http, Self::Sideseat, Self::Any];

    /// As it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "gRPC",
            Self::Http => "HTTP",
            Self::Sideseat => "SideSeat",
            Self::Any => "OTLP",
        }
    }

    pub(super) fn is_grpc(self) -> bool {
        matches!(self, Self::Grpc | Self::Any)
    }

    pub(super) fn is_http(self) -> bool {
        !matches!(self, Self::Grpc)
    }

    fn flag(self) -> &'static str {
        match self {
            Self::Grpc => "--grpc-port",
            Self::Http => "--http-port",
            Self::Sideseat => "--sideseat-port",
            Self::Any => "the port",
        }
    }
}

/// The port that the user wants for a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortChoice {
    Off,
    /// The default one; if it is taken, the next free one.
    Default(u16),
    /// This one and no other; 0 is any free one.
    Chosen(u16),
}

/// The choices for all listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    pub grpc: PortChoice,
    pub http: PortChoice,
    pub sideseat: PortChoice,
}

impl Ports {
    pub const GRPC: u16 = 4317;
    pub const HTTP: u16 = 4318;
    pub const SIDESEAT: u16 = 5388;

    fn all(&self) -> [(Protocol, PortChoice); 3] {
        [(Protocol::Grpc, self.grpc), (Protocol::Http, self.http), (Protocol::Sideseat, self.sideseat)]
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            grpc: PortChoice::Default(Self::GRPC),
            http: PortChoice::Default(Self::HTTP),
            sideseat: PortChoice::Default(Self::SIDESEAT),
        }
    }
}

/// The address of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub what: Protocol,
    pub ip: IpAddr,
    pub port: u16,
    /// The default port, which is not `port` if it was taken; else `port`.
    pub wanted: u16,
    /// The process that holds `wanted`, if it is taken and the process is known: `otelcol, pid 4711`.
    pub holder: Option<String>,
}

impl Address {
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port)
    }
}

/// Why a port was not bound. The text has the remedy.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "port {port} ({}) is taken{}; choose another with {}, or 0 for any free one",
        .what.as_str(), by(.holder.as_deref()), .what.flag()
    )]
    Taken { what: Protocol, port: u16, holder: Option<String> },
    #[error("port {port} is chosen for {} and for {}; choose another with {}", .first.as_str(), .second.as_str(), .second.flag())]
    Twice { port: u16, first: Protocol, second: Protocol },
    #[error("`{0}` can be reached by other machines: senders need a token there; add --token generate")]
    NoToken(IpAddr),
    #[error("cannot listen on {address} for {}: {error}", .what.as_str())]
    Failed { what: Protocol, address: SocketAddr, error: io::Error },
}

fn by(holder: Option<&str>) -> String {
    holder.map_or(String::new(), |holder| format!(" by {holder}"))
}

/// Bound ports. Connections are queued by the system until the ports are [served](Self::serve).
pub struct Listeners {
    pub(super) listening: Vec<Listening>,
    /// What requests need. There is one wherever other machines can reach the ports.
    pub(super) token: Option<Token>,
    pub(super) screens: Option<Screens>,
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").field("listening", &self.listening).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct Listening {
    pub address: Address,
    /// One, or one for each IP version.
    pub sockets: Vec<TcpListener>,
}

impl Listeners {
    /// Binds what is not off. On 127.0.0.1 also on `::1` where there is one, since SDKs say `localhost`.
    pub async fn bind(ip: IpAddr, ports: &Ports, token: Option<Token>) -> Result<Self, BindError> {
        if !ip.is_loopback() && token.is_none() {
            return Err(BindError::NoToken(ip));
        }
        let mut all = ports.all();
        // A chosen port comes before any default, which can move.
        all.sort_by_key(|(_, choice)| !matches!(choice, PortChoice::Chosen(_)));
        let mut listening: Vec<Listening> = Vec::new();
        for (what, choice) in all {
            let bound = match choice {
                PortChoice::Off => continue,
                PortChoice::Chosen(port) => {
                    let same = listening.iter().find(|other| port != 0 && other.address.port == port);
                    if let Some(other) = same {
                        return Err(BindError::Twice { port, first: other.address.what, second: what });
                    }
                    chosen(what, ip, port).await?
                }
                PortChoice::Default(port) => next_free(what, ip, port, &reserved(ports)).await?,
            };
            listening.push(bound);
        }
        listening.sort_by_key(|bound| bound.address.what as u8);
        Ok(Self { listening, token, screens: None })
    }

    /// One port for both protocols, any that is free; only this machine reaches it.
    pub async fn single() -> Result<Self, BindError> {
        let listening = vec![chosen(Protocol::Any, Ipv4Addr::LOCALHOST.into(), 0).await?];
        Ok(Self { listening, token: None, screens: None })
    }

    /// Hands the connections of screens that attach to these.
    #[must_use]
    pub fn with_screens(self, screens: Screens) -> Self {
        Self { screens: Some(screens), ..self }
    }

    /// The addresses, in the order of [`Protocol::ALL`].
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        self.listening.iter().map(|bound| bound.address.clone()).collect()
    }
}

async fn chosen(what: Protocol, ip: IpAddr, port: u16) -> Result<Listening, BindError> {
    match sockets(ip, port).await {
        Ok((port, sockets)) => {
            Ok(Listening { address: Address { what, ip, port, wanted: port, holder: None }, sockets })
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Err(BindError::Taken { what, port, holder: holder(port) })
        }
        Err(error) => Err(BindError::Failed { what, address: (ip, port).into(), error }),
    }
}

/// Takes the wanted port, or the first free one above it.
async fn next_free(what: Protocol, ip: IpAddr, wanted: u16, reserved: &[u16]) -> Result<Listening, BindError> {
    const TRIED: u16 = 100;
    let above = (wanted..=wanted.saturating_add(TRIED)).skip(1).filter(|port| !reserved.contains(port));
    let mut failure = None;
    for port in std::iter::once(wanted).chain(above).chain([0]) {
        match sockets(ip, port).await {
            Ok((port, sockets)) => {
                let holder = if port == wanted { None } else { holder(wanted) };
                return Ok(Listening { address: Address { what, ip, port, wanted, holder }, sockets });
            }
            Err(error) => failure = Some(error),
        }
    }
    let error = failure.unwrap_or_else(|| ErrorKind::AddrInUse.into());
    Err(BindError::Failed { what, address: (ip, wanted).into(), error })
}

/// The ports that a listener must not take as the next free one, because the senders of another listener use them.
fn reserved(ports: &Ports) -> Vec<u16> {
    let named = ports.all().into_iter().filter_map(|(_, choice)| match choice {
        PortChoice::Default(port) | PortChoice::Chosen(port) => Some(port),
        PortChoice::Off => None,
    });
    named.chain([Ports::GRPC, Ports::HTTP, Ports::SIDESEAT]).collect()
}

/// The sockets of one port, and which port it is.
async fn sockets(ip: IpAddr, port: u16) -> io::Result<(u16, Vec<TcpListener>)> {
    const TRIED: usize = 16;
    let mut taken = io::Error::from(ErrorKind::AddrInUse);
    for _ in 0..TRIED {
        let first = TcpListener::bind((ip, port)).await?;
        let bound = first.local_addr()?.port();
        if ip != Ipv4Addr::LOCALHOST {
            return Ok((bound, vec![first]));
        }
        match TcpListener::bind((Ipv6Addr::LOCALHOST, bound)).await {
            Ok(second) => return Ok((bound, vec![first, second])),
            // What is sent to `localhost` could reach the other process that has this port on ::1.
            Err(error) if error.kind() == ErrorKind::AddrInUse => taken = error,
            // This machine has no ::1.
            Err(_) => return Ok((bound, vec![first])),
        }
        if port != 0 {
            break;
        }
    }
    Err(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn only_http(choice: PortChoice) -> Ports {
        Ports { grpc: PortChoice::Off, http: choice, sideseat: PortChoice::Off }
    }

    /// A port that is taken until the listener is dropped.
    async fn taken() -> (TcpListener, u16) {
        let listener = TcpListener::bind((HERE, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test]
    async fn a_default_port_that_is_taken_moves_up_and_says_so() {
        let (_listener, port) = taken().await;
        let listeners = Listeners::bind(HERE, &only_http(PortChoice::Default(port)), None).await.unwrap();
        let address = &listeners.addresses()[0];
        assert!(address.port != port && address.wanted == port, "{address:?}");
        if cfg!(target_os = "linux") {
            assert!(address.holder.as_ref().unwrap().contains(&format!("pid {}", std::process::id())));
        }
    }

    #[tokio::test]
    async fn a_chosen_port_that_is_taken_is_an_error_that_says_by_whom() {
        let (_listener, port) = taken().await;
        let error = Listeners::bind(HERE, &only_http(PortChoice::Chosen(port)), None).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("port {port} (HTTP) is taken")), "{error}");
        assert!(error.contains("--http-port"), "{error}");
        if cfg!(target_os = "linux") {
            assert!(error.contains(&std::process::id().to_string()), "{error}");
        }
    }

    #[tokio::test]
    async fn no_listener_takes_the_port_where_another_is_looked_for() {
        let (_listener, port) = taken().await;
        let next = port.saturating_add(1);
        let ports =
            Ports { grpc: PortChoice::Default(port), http: PortChoice::Default(next), sideseat: PortChoice::Off };
        let listeners = Listeners::bind(HERE, &ports, None).await.unwrap();
        assert_ne!(listeners.addresses()[0].port, next);
        assert!(reserved(&only_http(PortChoice::Off)).contains(&Ports::SIDESEAT));
    }

    #[tokio::test]
    async fn zero_is_any_free_port_and_off_is_none() {
        let ports = Ports { grpc: PortChoice::Chosen(0), http: PortChoice::Chosen(0), sideseat: PortChoice::Off };
        let addresses = Listeners::bind(HERE, &ports, None).await.unwrap().addresses();
        assert_eq!(addresses.iter().map(|address| address.what).collect::<Vec<_>>(), [Protocol::Grpc, Protocol::Http]);
        assert!(addresses.iter().all(|address| address.port != 0 && address.wanted == address.port));
        assert_ne!(addresses[0].port, addresses[1].port);
    }

    #[tokio::test]
    async fn one_port_chosen_twice_is_an_error_and_so_is_the_world_without_a_token() {
        let (listener, port) = taken().await;
        drop(listener);
        let choice = PortChoice::Chosen(port);
        let twice = Ports { grpc: choice, http: choice, sideseat: PortChoice::Off };
        let error = Listeners::bind(HERE, &twice, None).await;
        assert!(matches!(error, Err(BindError::Twice { .. })));
        let (world, ports) = (Ipv4Addr::UNSPECIFIED.into(), only_http(PortChoice::Chosen(0)));
        assert!(matches!(Listeners::bind(world, &ports, None).await, Err(BindError::NoToken(_))));
        assert!(Listeners::bind(world, &ports, Some(Token::new("a token"))).await.is_ok());
    }

    #[tokio::test]
    async fn localhost_is_served_on_both_ip_versions_with_one_port() {
        let listeners = Listeners::single().await.unwrap();
        let port = listeners.addresses()[0].port;
        for socket in &listeners.listening[0].sockets {
            assert_eq!(socket.local_addr().unwrap().port(), port);
        }
        let has_v6 = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
        assert_eq!(listeners.listening[0].sockets.len(), if has_v6 { 2 } else { 1 });
    }
}
