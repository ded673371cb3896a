//! Durations, counts, money and times as short texts of a steady width.

use std::time::Duration;

use jiff::{Timestamp as Moment, tz::TimeZone};

use crate::model::{Timestamp, Usd};

/// `82ms`, `3.1s`, `46s`, `1m28`, `3h07`, `2d04`: at most five columns.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds, duration.as_millis()) {
        (0, 0) if duration.is_zero() => "0".to_owned(),
        (0, 0) => "<1ms".to_owned(),
        (0, millis) => format!("{millis}ms"),
        (1..10, millis) => format!("{}.{}s", seconds, millis / 100 % 10),
        (10..60, _) => format!("{seconds}s"),
        (60..3600, _) => format!("{}m{:02}", seconds / 60, seconds % 60),
        (3600..86_400, _) => format!("{}h{:02}", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// `999`, `2.1k`, `202k`, `1.2M`: at most four columns up to a billion.
#[must_use]
pub fn count(count: u64) -> String {
    const UNITS: [(u64, char); 4] = [(1_000_000_000_000, 'T'), (1_000_000_000, 'G'), (1_000_000, 'M'), (1_000, 'k')];
    for (size, unit) in UNITS {
        // 999,950 reads as 1.0M rather than as 1000k.
        if count >= size - size / 2000 {
            let tenths = (count + size / 20) / (size / 10);
            return if tenths < 100 {
                format!("{}.{}{unit}", tenths / 10, tenths % 10)
            } else {
                format!("{}{unit}", (count + size / 2) / size)
            };
        }
    }
    count.to_string()
}

/// A count that may be unknown: `?` then.
#[must_use]
pub fn known(number: Option<u64>) -> String {
    number.map_or_else(|| "?".to_owned(), count)
}

/// `1,204,551`.
#[must_use]
pub fn exact(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `$0`, `$.0004`, `$.428`, `$1.21`, `$1234`; what is above zero is never shown as nothing.
#[must_use]
pub fn money(amount: Usd) -> String {
    let dollars = amount.dollars();
    if amount.0 == 0 {
        return "$0".to_owned();
    }
    match dollars {
        ..0.0001 => "<$.0001".to_owned(),
        0.0001..0.001 => fraction(&format!("{dollars:.4}")),
        0.001..0.9995 => fraction(&format!("{dollars:.3}")),
        0.9995..999.5 => format!("${dollars:.2}"),
        _ => format!("${dollars:.0}"),
    }
}

/// `0.428` → `$.428`.
fn fraction(text: &str) -> String {
    format!("${}", text.strip_prefix('0').unwrap_or(text))
}

/// Money to the last digit that matters: `$0.02142`.
#[must_use]
pub fn money_exact(amount: Usd) -> String {
    let text = format!("{:.9}", amount.dollars());
    let trimmed = text.trim_end_matches('0');
    let decimals = trimmed.len() - trimmed.find('.').map_or(trimmed.len(), |dot| dot + 1);
    if decimals < 2 { format!("${:.2}", amount.dollars()) } else { format!("${trimmed}") }
}

/// A share of 0 to 1 as `12%`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// `4.2 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..10_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        10_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

/// The time of day where the user is: `17:42:09`.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    local(at).map_or_else(String::new, |at| at.strftime("%H:%M:%S").to_string())
}

/// Day and time where the user is: `2026-11-03 17:42:09`.
#[must_use]
pub fn date(at: Timestamp) -> String {
    local(at).map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

fn local(at: Timestamp) -> Option<jiff::Zoned> {
    let nanoseconds = i128::from(at.known()?.0);
    Some(Moment::from_nanosecond(nanoseconds).ok()?.to_zoned(TimeZone::system()))
}

/// `anthropic.claude-sonnet-4-5-20250929-v1:0` → `claude-sonnet-4-5`: the name of a model as people say it.
///
/// Only what every vendor appends or prepends is dropped: a region, a vendor, a date, a version of the endpoint.
#[must_use]
pub fn model(name: &str) -> &str {
    const VENDORS: [&str; 12] = [
        "anthropic.",
        "amazon.",
        "meta.",
        "mistral.",
        "cohere.",
        "ai21.",
        "deepseek.",
        "openai.",
        "qwen.",
        "writer.",
        "stability.",
        "us.",
    ];
    let mut short = name.rsplit('/').next().unwrap_or(name);
    for region in ["us.", "eu.", "apac.", "ap.", "global.", "us-gov.", "jp.", "au.", "ca."] {
        if let Some(rest) = short.strip_prefix(region) {
            short = rest;
            break;
        }
    }
    short = VENDORS.iter().find_map(|vendor| short.strip_prefix(vendor)).unwrap_or(short);
    if let Some((rest, version)) = short.rsplit_once("-v")
        && !version.is_empty()
        && version.bytes().all(|b| b.is_ascii_digit() || b == b':')
    {
        short = rest;
    }
    if let Some((rest, date)) = short.rsplit_once('-')
        && date.len() == 8
        && date.bytes().all(|b| b.is_ascii_digit())
    {
        short = rest;
    }
    if short.is_empty() { name } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_at_every_size() {
        let cases = [(0, "0"), (400, "<1ms"), (82_000, "82ms"), (3_149_000, "3.1s"), (46_000_000, "46s")];
        for (micros, text) in cases {
            assert_eq!(duration(Duration::from_micros(micros)), text);
        }
        assert_eq!(duration(Duration::from_secs(88)), "1m28");
        assert_eq!(duration(Duration::from_mins(187)), "3h07");
        assert_eq!(duration(Duration::from_hours(52)), "2d04");
    }

    #[test]
    fn counts_are_rounded_not_cut() {
        let cases =
            [(999, "999"), (1000, "1.0k"), (2_149, "2.1k"), (9_960, "10k"), (202_400, "202k"), (999_960, "1.0M")];
        for (number, text) in cases {
            assert_eq!(count(number), text);
        }
        assert_eq!(exact(1_204_551), "1,204,551");
    }

    #[test]
    fn money_above_zero_is_never_shown_as_nothing() {
        let cases = [(0.0, "$0"), (0.000_01, "<$.0001"), (0.000_43, "$.0004"), (0.4284, "$.428"), (1.214, "$1.21")];
        for (dollars, text) in cases {
            assert_eq!(money(Usd::from_dollars(dollars).unwrap()), text);
        }
        assert_eq!(money_exact(Usd::from_dollars(0.021_42).unwrap()), "$0.02142");
        assert_eq!(money_exact(Usd::from_dollars(3.0).unwrap()), "$3.00");
    }

    #[test]
    fn a_model_is_called_by_its_short_name() {
        let cases = [
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
            ("us.amazon.nova-lite-v1:0", "nova-lite"),
            ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
            ("models/gemini-2.5-pro", "gemini-2.5-pro"),
            ("us.", "us."),
        ];
        for (name, short) in cases {
            assert_eq!(model(name), short);
        }
    }
}
