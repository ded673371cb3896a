//! A Bloom filter of ids: it says of one that it was certainly not added, or that it may have been.

/// Bits for each id, so that of 40,000 that were not added one is said to have been.
const BITS: u64 = 22;
/// Bits of an id that are set.
const PLACES: u64 = 5;
/// The least and the most bits of a filter: one MiB, and eight, which are enough for three million ids.
const LEAST: u64 = 8 << 20;
const MOST: u64 = 64 << 20;

/// A filter. Nothing can be taken out of it.
pub struct Filter {
    words: Box<[u64]>,
    /// How many ids were added.
    added: u64,
}

impl Filter {
    /// An empty filter for about twice so many ids.
    pub fn of(count: u64) -> Self {
        let bits = count.saturating_mul(2 * BITS).clamp(LEAST, MOST);
        Self { words: vec![0; usize::try_from(bits / 64).unwrap_or(1)].into(), added: 0 }
    }

    pub fn add(&mut self, id: u128) {
        self.added += 1;
        for (word, bit) in self.places(id) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// Whether an id may have been added.
    pub fn may_have(&self, id: u128) -> bool {
        self.places(id).all(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }

    /// Whether one that is made anew for so many ids would say less often of others that they may have been added.
    pub fn is_worn(&self, count: u64) -> bool {
        let bits = self.words.len() as u64 * 64;
        let is_full = self.added.saturating_mul(BITS) > bits;
        is_full && (bits < MOST || self.added / 2 > count)
    }

    /// The bits of an id: the word of each, and its place in that. Ids are hashes, but for those of traces, which are mixed.
    fn places(&self, id: u128) -> impl Iterator<Item = (usize, u64)> + use<> {
        let bytes = id.to_le_bytes();
        let half = |from: usize| bytes.iter().skip(from).take(8).fold(0_u64, |half, byte| half << 8 | u64::from(*byte));
        let (first, second) = (mix(half(0)), mix(half(8)) | 1);
        let words = self.words.len() as u64;
        (0..PLACES).map(move |nth| {
            let place = mix(first.wrapping_add(second.wrapping_mul(nth)));
            // The upper half of a product is a number below the other factor.
            let word = (u128::from(place) * u128::from(words)) >> 64;
            (usize::try_from(word).unwrap_or(0), 1 << (place % 64))
        })
    }
}

/// Spreads the bits of a number.
fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let number = (number ^ number >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ number >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_may_be_there_and_hardly_anything_else() {
        let mut filter = Filter::of(150_000);
        let ids = |from: u128| (from..from + 150_000).map(|number| number << 64 | 3);
        ids(0).for_each(|id| filter.add(id));
        assert!(ids(0).all(|id| filter.may_have(id)));
        let wrong = ids(1 << 40).filter(|id| filter.may_have(*id)).count();
        assert!(wrong < 20, "{wrong}");
    }

    #[test]
    fn a_filter_is_worn_when_it_is_full_or_most_of_it_was_removed() {
        let mut filter = Filter::of(0);
        assert!(!filter.is_worn(0));
        filter.added = LEAST / BITS + 1;
        assert!(filter.is_worn(filter.added));
        let mut filter = Filter::of(u64::MAX);
        filter.added = MOST / BITS + 1;
        assert!(!filter.is_worn(filter.added) && filter.is_worn(filter.added / 3));
    }
}
