//! The connections of one port: how many there may be, which of them is closed when there is no place left for another,
//! and how long one may be open without a request.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{self, AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

/// How long a connection may be open without a request. SDKs keep one open for metrics, which they send every 60 s.
pub(super) const IDLE: Duration = Duration::from_secs(90);
/// How long the first bytes of a connection may take, by which HTTP/1 and HTTP/2 are told apart. The time limits of either
/// begin after that.
const FIRST: Duration = Duration::from_secs(10);
/// How long a connection that has to go may take before another one has to go as well.
const CLOSES: Duration = Duration::from_secs(1);
/// Most connections at once on a port. A process may have 1024 files open by default, there are at most four ports, and the
/// store and the screen need some files as well.
const PLACES: usize = 160;

/// The places of one port.
pub(super) struct Connections {
    places: Arc<Semaphore>,
    open: Mutex<Vec<Arc<Connection>>>,
}

/// A place on a port, held by one connection.
pub(super) struct Place {
    pub connection: Arc<Connection>,
    connections: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

/// What is known of an open connection.
pub(super) struct Connection {
    /// Cancelled when another connection needs its place.
    pub evicted: CancellationToken,
    /// Number of requests that are not answered yet.
    under_way: AtomicUsize,
    /// When its last request was answered, or else when it was accepted.
    idle_since: Mutex<Instant>,
}

impl Default for Connections {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), open: Mutex::default() }
    }
}

impl Connections {
    /// Takes a place for a new connection. If there is none, the connection that has been without a request for the longest
    /// time has to go; if all of them have one, this waits.
    pub(super) async fn place(self: &Arc<Self>) -> Option<Place> {
        let permit = loop {
            if self.places.available_permits() == 0 {
                self.evict();
            }
            // The one that has to go may be slow to close, and others become idle meanwhile.
            if let Ok(permit) = time::timeout(CLOSES, Arc::clone(&self.places).acquire_owned()).await {
                break permit.ok()?;
            }
        };
        let connection = Arc::new(Connection {
            evicted: CancellationToken::new(),
            under_way: AtomicUsize::new(0),
            idle_since: Mutex::new(Instant::now()),
        });
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&connection));
        Some(Place { connection, connections: Arc::clone(self), _permit: permit })
    }

    fn evict(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = open.iter().filter(|connection| !connection.evicted.is_cancelled());
        if let Some((_, longest)) =
            idle.filter_map(|connection| Some((connection.idle_since()?, connection))).min_by_key(|(since, _)| *since)
        {
            longest.evicted.cancel();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| !Arc::ptr_eq(other, &self.connection));
    }
}

impl Connection {
    /// Counts a request as under way until the returned guard is dropped.
    pub(super) fn request(self: &Arc<Self>) -> Request {
        self.under_way.fetch_add(1, Relaxed);
        Request(Arc::clone(self))
    }

    /// Since when no request is under way; `None` while one is.
    fn idle_since(&self) -> Option<Instant> {
        let since = *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner);
        (self.under_way.load(Relaxed) == 0).then_some(since)
    }

    /// Resolves once the connection has to be closed: its place is needed, or it was without a request for [`IDLE`].
    pub(super) async fn must_go(&self) {
        let idle = async {
            loop {
                let left = self.idle_since().map_or(IDLE, |since| IDLE.saturating_sub(since.elapsed()));
                if left.is_zero() {
                    return;
                }
                time::sleep(left).await;
            }
        };
        tokio::select! {
            () = self.evicted.cancelled() => {}
            () = idle => {}
        }
    }
}

/// Counts a request as under way while it lives.
pub(super) struct Request(Arc<Connection>);

impl Drop for Request {
    fn drop(&mut self) {
        *self.0.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.under_way.fetch_sub(1, Relaxed);
    }
}

/// Waits until a connection has sent enough to tell whether it is HTTP/1 or HTTP/2, and returns it with those bytes still
/// to be read. `None` if they do not come within [`FIRST`].
///
/// What serves the connection would wait without a limit for the rest of a first byte that both can begin with.
pub(super) async fn begun(mut stream: TcpStream) -> Option<impl AsyncRead + AsyncWrite + Unpin + Send> {
    const HTTP_2: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut start = [0; HTTP_2.len()];
    let mut filled = 0;
    let enough = async {
        loop {
            match stream.read(start.get_mut(filled..)?).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => filled += read,
            }
            if filled == start.len() || !HTTP_2.starts_with(start.get(..filled)?) {
                return Some(());
            }
        }
    };
    time::timeout(FIRST, enough).await.ok()??;
    let (read, write) = stream.into_split();
    let start = std::io::Cursor::new(start.get(..filled)?.to_vec());
    Some(io::join(start.chain(read), write))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_connection_has_to_go_where_the_first_one_does_not_close() {
        let connections = Arc::new(Connections::default());
        let mut places = Vec::new();
        for _ in 0..PLACES {
            places.push(connections.place().await.unwrap());
        }
        let next = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.place().await.is_some() }
        });
        places[0].connection.evicted.cancelled().await;
        places[1].connection.evicted.cancelled().await;
        places.remove(1);
        assert!(next.await.unwrap());
    }

    #[tokio::test]
    async fn the_connection_that_was_idle_for_longest_makes_room_and_no_busy_one() {
        let connections = Arc::new(Connections::default());
        let mut places = Vec::new();
        for _ in 0..PLACES {
            places.push(connections.place().await.unwrap());
        }
        let busy = places[0].connection.request();
        let next = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.place().await.is_some() }
        });
        places[1].connection.must_go().await;
        assert!(!places[0].connection.evicted.is_cancelled());
        places.remove(1);
        assert!(next.await.unwrap());
        drop(busy);
        assert!(places[0].connection.idle_since() > places[1].connection.idle_since());
        drop(places);
        assert_eq!(connections.open.lock().unwrap().len(), 0);
    }
}
