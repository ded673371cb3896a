//! What the listeners of this process have seen, as screens show it.

use std::{cmp::Reverse, time::Instant};

use crate::{
    app::{self, format::Zone},
    receive::{Address, Counts, Protocol, Reason, Refused},
    store::StoreHealth,
};

/// An address as the screen shows it.
pub fn shown(address: &Address) -> app::Listening {
    let note = (address.port != address.wanted).then(|| {
        let holder = address.holder.as_deref().unwrap_or("somebody else");
        format!("{} is taken by {holder}", address.wanted)
    });
    app::Listening { what: address.what.as_str().to_owned(), address: address.ip.to_string(), port: address.port, note }
}

/// What was counted, as the screen shows it.
pub fn seen(counts: &Counts, health: StoreHealth) -> app::Seen {
    let seen = counts.snapshot();
    let refused = |refused: &Refused| {
        let Refused { at, peer, path, reason: _, why } = refused;
        format!("{} {path} from {peer}: {why}", Zone::system().clock(*at))
    };
    // Only `run` has a port for both protocols.
    let known = seen.open.iter().filter(|(protocol, _)| *protocol != Protocol::Any);
    app::Seen {
        connections: known.map(|(protocol, open)| (protocol.as_str().to_owned(), *open)).collect(),
        exports: seen.exports,
        spans: seen.spans,
        logs: seen.logs,
        metric_points: seen.points,
        needs_token: seen.needs_token,
        refused: seen.refusals(),
        refused_for: most_first(&seen.refused),
        refusals: seen.last_refused.iter().rev().map(refused).collect(),
        failing: health.failing,
        disk_full: health.disk_full,
        pruned: health.pruned,
        damage: health.damage,
        rescue: health.rescue,
        programs: counts.programs.list(Instant::now()),
        reprocessing: health.reprocessing.map(|progress| (progress.done, progress.of)),
    }
}

/// The reasons for refusals, the most frequent first.
fn most_first(refused: &[(Reason, u64)]) -> Vec<(String, u64)> {
    let mut reasons: Vec<_> = refused.iter().map(|(reason, times)| (reason.as_str().to_owned(), *times)).collect();
    reasons.sort_by_key(|(_, times)| Reverse(*times));
    reasons
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_address_says_why_it_is_not_the_usual_one() {
        let usual =
            Address { what: Protocol::Http, ip: Ipv4Addr::LOCALHOST.into(), port: 4318, wanted: 4318, holder: None };
        assert_eq!(shown(&usual).note, None);
        let moved = Address { port: 4319, holder: Some("otelcol, pid 7".into()), ..usual };
        assert_eq!(shown(&moved).note.as_deref(), Some("4318 is taken by otelcol, pid 7"));
    }

    #[test]
    fn the_most_frequent_reason_for_refusals_comes_first() {
        let reasons = most_first(&[(Reason::Malformed, 2), (Reason::NoToken, 9)]);
        assert_eq!(reasons, [("no token".to_owned(), 9), ("not OTLP".to_owned(), 2)]);
    }
}
