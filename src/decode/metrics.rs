//! Metrics are accepted and their data points counted; nothing else of them is read.

use super::{Malformed, wire};

/// `gauge`, `sum`, `histogram`, `exponential_histogram` and `summary` of a `Metric`; the points are field 1 of each.
pub(super) const KINDS: [u32; 5] = [5, 7, 9, 10, 11];

/// The data points of a request in protobuf.
pub(super) fn points(body: &[u8]) -> Result<u64, Malformed> {
    let mut points = 0;
    for under_resource in wire::messages(body, 1) {
        for under_scope in wire::messages(under_resource?, 2) {
            for metric in wire::messages(under_scope?, 2) {
                for field in wire::fields(metric?) {
                    let field = field?;
                    if KINDS.contains(&field.number) {
                        for point in wire::messages(field.bytes()?, 1) {
                            point?;
                            points += 1;
                        }
                    }
                }
            }
        }
    }
    Ok(points)
}
