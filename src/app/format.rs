//! Durations, counts, money and times as short texts of a steady width. `zone`: days and times of a time zone; `score`: what
//! somebody judged.

mod score;
mod zone;

use std::borrow::Cow;
use std::time::Duration;

pub use self::score::{score, score_in};
use crate::model::{Dropped, Timestamp, Usd};
pub use zone::{Day, Zone};

/// `82ms`, `3.1s`, `46s`, `1m28`, `3h07`, `2d04`: at most five columns, rounded to the last of them.
#[must_use]
pub fn duration(duration: Duration) -> String {
    const MILLISECOND: u128 = 1_000;
    const SECOND: u128 = 1_000 * MILLISECOND;
    const MINUTE: u128 = 60 * SECOND;
    const HOUR: u128 = 60 * MINUTE;
    const DAY: u128 = 24 * HOUR;
    let micros = duration.as_micros();
    let rounded = |unit: u128| (micros + unit / 2) / unit;
    // What rounds up to a whole of the next unit is written in that unit: 59.6 s is `1m00`.
    match micros {
        0 if duration.is_zero() => "0".to_owned(),
        ..MILLISECOND => "<1ms".to_owned(),
        _ if rounded(MILLISECOND) < 1000 => format!("{}ms", rounded(MILLISECOND)),
        _ if rounded(SECOND / 10) < 100 => {
            let tenths = rounded(SECOND / 10);
            format!("{}.{}s", tenths / 10, tenths % 10)
        }
        _ if rounded(SECOND) < 60 => format!("{}s", rounded(SECOND)),
        _ if rounded(SECOND) < 3600 => format!("{}m{:02}", rounded(SECOND) / 60, rounded(SECOND) % 60),
        _ if rounded(MINUTE) < DAY / MINUTE => format!("{}h{:02}", rounded(MINUTE) / 60, rounded(MINUTE) % 60),
        _ => format!("{}d{:02}", rounded(HOUR) / 24, rounded(HOUR) % 24),
    }
}

/// `6s`, `14s`, `1m28`: of what goes on, tenths would only flicker.
#[must_use]
pub fn whole_seconds(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..10 => format!("{seconds}s"),
        seconds => duration(Duration::from_secs(seconds)),
    }
}

/// How long ago something was, in at most four columns: `now`, `4m`, `2h`, the day of the week (`Tue`) within the last
/// six days, `3w` (rounded), `11mo`, `2y`. Nothing for what is not known.
#[must_use]
pub fn age(at: Timestamp, now: Timestamp, zone: &Zone) -> String {
    if at.known().is_none() {
        return String::new();
    }
    let minutes = now.since(at).as_secs() / 60;
    let (hours, days) = (minutes / 60, minutes / 60 / 24);
    match days {
        _ if minutes == 0 => "now".to_owned(),
        _ if hours == 0 => format!("{minutes}m"),
        0 => format!("{hours}h"),
        1..6 => zone.written(at, "%a"),
        6..60 => format!("{}w", (days + 3) / 7),
        60..730 => format!("{}mo", days / 30),
        _ => format!("{}y", days / 365),
    }
}

/// `170 attributes`, `1 event`, `170 attributes and 3 events`: what a sender threw away; `None` where that is nothing.
#[must_use]
pub fn dropped(dropped: Dropped) -> Option<String> {
    let counts = [(dropped.attributes, "attribute"), (dropped.events, "event")];
    let words = counts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}{}", count(number.into()), if number == 1 { "" } else { "s" }));
    Some(words.collect::<Vec<_>>().join(" and ")).filter(|words| !words.is_empty())
}

/// Of how many calls nobody knows the cost: `3 unpriced` where each of them has tokens and so lacks only a price, else
/// `cost of 3 not known`.
#[must_use]
pub fn unknown_costs(calls: u64, lacking_a_price: u64) -> String {
    if calls == lacking_a_price {
        format!("{} unpriced", count(calls))
    } else {
        format!("cost of {} not known", count(calls))
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

/// Money at a glance, `$.428`, `$.0025`, `$1.21`, `$1234`: at most seven columns.
///
/// Below a dollar it has three decimals, and as many more as two digits of it need: small calls can be compared too.
/// What is above zero is never shown as nothing.
#[must_use]
pub fn money(amount: Usd) -> String {
    match amount.dollars() {
        _ if amount.0 == 0 => "$0".to_owned(),
        ..0.000_01 => "<.00001".to_owned(),
        dollars @ 0.000_01..0.000_995 => dollars_of(dollars, 5),
        dollars @ 0.000_995..0.009_95 => dollars_of(dollars, 4),
        dollars @ 0.009_95..0.9995 => dollars_of(dollars, 3),
        dollars @ 0.9995..999.995 => dollars_of(dollars, 2),
        dollars => dollars_of(dollars, 0),
    }
}

/// At least so much: `$.428+`, with a decimal less where there is no room for the sign, or without the `$` where nothing but
/// zeroes would be left: `.00003+`. That it is at least nothing says nothing: `?`.
#[must_use]
pub fn money_at_least(amount: Usd) -> String {
    if amount.0 == 0 {
        return "?".to_owned();
    }
    let text = money(amount);
    let kept = if text.starts_with('$') && text.contains('.') { 6 } else { text.len() };
    let short = format!("{text:.kept$}+");
    if short.contains(|c: char| matches!(c, '1'..='9')) {
        return short;
    }
    let dollars = dollars_of((amount.dollars() * 100_000.0).floor() / 100_000.0, 5);
    format!("{}+", dollars.trim_start_matches('$'))
}

/// Money as one adds it up, `$.021420`: always to a millionth, so that amounts stand under one another.
#[must_use]
pub fn money_exact(amount: Usd) -> String {
    match amount.dollars() {
        _ if amount.0 == 0 => "$0".to_owned(),
        ..0.000_000_5 => "<$.000001".to_owned(),
        dollars => dollars_of(dollars, 6),
    }
}

/// With so many decimals, and without a zero before them, as money is written everywhere here.
fn dollars_of(dollars: f64, decimals: usize) -> String {
    let text = format!("{dollars:.decimals$}");
    format!("${}", text.strip_prefix("0.").map_or_else(|| text.clone(), |fraction| format!(".{fraction}")))
}

/// A share in thousandths as percent: `88%`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
pub fn thousandths(share: u64) -> String {
    percent(share as f64 / 1000.0)
}

/// A share of 0 to 1 as `12%`; what is more than nothing is never `0%`, what is less than all never `100%`.
#[must_use]
pub fn percent(share: f64) -> String {
    match share {
        0.0 => "0%".to_owned(),
        0.0..0.005 => "<1%".to_owned(),
        0.995..1.0 => ">99%".to_owned(),
        share => format!("{:.0}%", share * 100.0),
    }
}

/// `412 B`, `3,059 B`; from ten thousand on as [`size`] says it.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    if bytes < 10_000 { format!("{} B", exact(bytes)) } else { size(bytes) }
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

/// A model as people say it, with the region that it begins with: `us.claude-sonnet-4-5`.
#[must_use]
pub fn regional_model(name: &str) -> Cow<'_, str> {
    match without_region(name).0 {
        "" => model(name).into(),
        region => format!("{region}{}", model(name)).into(),
    }
}

/// The region of a model's name, `us.` or nothing, and what stands behind it.
fn without_region(name: &str) -> (&str, &str) {
    let name = name.rsplit('/').next().unwrap_or(name);
    let regions = ["us.", "eu.", "apac.", "ap.", "global.", "us-gov.", "jp.", "au.", "ca."];
    let region = regions.into_iter().find(|region| name.starts_with(region)).unwrap_or_default();
    name.split_at(region.len())
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
    let mut short = without_region(name).1;
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
    fn durations_are_short_at_every_size_and_rounded_not_cut() {
        let cases = [
            (0, "0"),
            (400, "<1ms"),
            (3_910, "4ms"),
            (82_000, "82ms"),
            (999_600, "1.0s"),
            (1_394_000, "1.4s"),
            (3_149_000, "3.1s"),
            (9_960_000, "10s"),
            (45_800_000, "46s"),
            (59_600_000, "1m00"),
            (128_960_000, "2m09"),
            (3_599_600_000, "1h00"),
            (86_399_000_000, "1d00"),
        ];
        for (micros, text) in cases {
            assert_eq!(duration(Duration::from_micros(micros)), text);
        }
        assert_eq!(duration(Duration::from_nanos(1)), "<1ms");
        assert_eq!(duration(Duration::from_secs(88)), "1m28");
        assert_eq!(duration(Duration::from_mins(187)), "3h07");
        assert_eq!(duration(Duration::from_hours(52)), "2d04");
    }

    #[test]
    fn ages_have_at_most_four_columns_and_say_no_more_than_is_true() {
        const DAY: u64 = 24 * 60;
        // A Sunday, 2025-06-08 12:00.
        let now = Timestamp(1_749_384_000_000_000_000);
        for (minutes, written) in [
            (0, "now"),
            (1, "1m"),
            (59, "59m"),
            (60, "1h"),
            (DAY - 1, "23h"),
            (DAY, "Sat"),
            (5 * DAY, "Tue"),
            (6 * DAY, "1w"),
            (8 * DAY, "1w"),
            (13 * DAY, "2w"),
            (60 * DAY, "2mo"),
            (400 * DAY, "13mo"),
            (1000 * DAY, "2y"),
        ] {
            let at = Timestamp(now.0 - minutes * 60_000_000_000);
            assert_eq!(age(at, now, &Zone::default()), written, "{minutes} minutes");
        }
        assert_eq!(age(Timestamp(0), now, &Zone::default()), "", "nobody knows when");
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
        let cases = [
            (0.0, "$0"),
            (0.000_002, "<.00001"),
            (0.000_039_5, "$.00004"),
            (0.000_099, "$.00010"),
            (0.000_43, "$.00043"),
            (0.000_999, "$.0010"),
            (0.002_53, "$.0025"),
            (0.009_96, "$.010"),
            (0.4284, "$.428"),
            (0.9996, "$1.00"),
            (1.214, "$1.21"),
            (999.996, "$1000"),
            (1234.5, "$1234"),
        ];
        for (dollars, text) in cases {
            assert_eq!(money(Usd::from_dollars(dollars).unwrap()), text);
        }
        for (dollars, text) in [
            (0.000_43, "$.0004+"),
            (123.45, "$123.4+"),
            (123_456.0, "$123456+"),
            (0.42, "$.420+"),
            (0.000_038, ".00003+"),
            (0.0, "?"),
        ] {
            assert_eq!(money_at_least(Usd::from_dollars(dollars).unwrap()), text);
        }
    }

    #[test]
    fn exact_amounts_have_the_same_decimals_so_that_they_can_be_added() {
        let cases = [(0.0, "$0"), (0.000_000_2, "<$.000001"), (0.001_851_3, "$.001851"), (3.0, "$3.000000")];
        for (dollars, text) in cases {
            assert_eq!(money_exact(Usd::from_dollars(dollars).unwrap()), text);
        }
    }

    #[test]
    fn a_share_is_nothing_or_all_only_where_it_is() {
        let cases = [(0.0, "0%"), (0.002, "<1%"), (0.123, "12%"), (0.999, ">99%"), (1.0, "100%")];
        for (share, text) in cases {
            assert_eq!(percent(share), text);
        }
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
        assert_eq!(regional_model("us.amazon.nova-lite-v1:0"), "us.nova-lite");
        assert_eq!(regional_model("models/gemini-2.5-pro"), "gemini-2.5-pro");
    }
}
