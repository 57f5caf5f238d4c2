//! Histograms of nanoseconds: how they are made, and how they are written as sparse pairs that can be read in a diff.

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serializer};

/// Significant decimal digits that every histogram keeps.
const DIGITS: u8 = 3;
/// The largest value that is told apart, in ns: 1.2 days. Larger ones count as this.
const LARGEST: u64 = 100_000_000_000_000;

/// An empty histogram of nanoseconds. All histograms of the program are alike, so that any two can be added.
#[must_use]
#[allow(clippy::expect_used, reason = "the bounds are constants that the constructor accepts")]
pub fn nanoseconds() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LARGEST, DIGITS).expect("constant bounds")
}

/// A histogram as `[[value, count], ...]`, for `#[serde(with = "...")]`.
pub fn serialize<S: Serializer>(histogram: &Histogram<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(histogram.iter_recorded().map(|v| (v.value_iterated_to(), v.count_at_value())))
}

/// The inverse of [`serialize`]: each value falls into the bucket that it came from.
///
/// # Errors
/// Those of the reader.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Histogram<u64>, D::Error> {
    let pairs = Vec::<(u64, u64)>::deserialize(deserializer)?;
    let mut histogram = nanoseconds();
    for (value, count) in pairs {
        histogram.saturating_record_n(value, count);
    }
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    #[derive(Serialize, Deserialize)]
    struct Holder(#[serde(with = "super")] Histogram<u64>);

    #[test]
    fn survives_being_written() {
        let mut histogram = nanoseconds();
        for value in [1, 999, 52_341, 1_000_000_007, 5_000_000_000_000] {
            histogram.saturating_record_n(value, value % 7 + 1);
        }
        let text = serde_json::to_string(&Holder(histogram.clone())).unwrap();
        let back: Holder = serde_json::from_str(&text).unwrap();
        assert_eq!(back.0, histogram);
    }
}
