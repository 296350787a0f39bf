//! Progress: a row for each thing that takes a while, above the row being typed.
//!
//! Whoever carries something sets its row as often as it likes and removes it when it is done; the
//! rows are painted with the next turn. Pure: rates and fractions are measured elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::chat::span::Left;
use crate::client::files::Rate;
use crate::client::safe::safe_row;
use crate::limits::CLIENT_PROGRESS_ROWS_MAX;

/// Columns of the bar.
const BAR_COLUMNS: usize = 20;

/// How far one thing is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What it is, in a few words.
    pub label: String,
    /// How much of it is done, from 0 to 1; none when that is not known.
    pub fraction: Option<f64>,
    /// Bytes per second; none when that is not known yet.
    pub bytes_per_second: Option<u64>,
    /// How long it still takes; none when that is not known.
    pub left: Option<Duration>,
}

/// All that is under way, by the number its owner has given it.
#[derive(Debug, Default)]
pub struct ProgressRows {
    running: BTreeMap<u64, Progress>,
}

impl ProgressRows {
    /// Shows how far number `id` is.
    pub fn set(&mut self, id: u64, progress: Progress) {
        self.running.insert(id, progress);
    }

    /// Takes its row away.
    pub fn remove(&mut self, id: u64) {
        self.running.remove(&id);
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The rows, each of at most `columns`.
    pub fn rows(&self, columns: usize) -> Vec<String> {
        let shown = match self.running.len() {
            count if count > CLIENT_PROGRESS_ROWS_MAX => CLIENT_PROGRESS_ROWS_MAX - 1,
            count => count,
        };
        let mut rows: Vec<_> = self
            .running
            .values()
            .take(shown)
            .map(|progress| cut(&progress.words(), columns).to_owned())
            .collect();
        if shown < self.running.len() {
            let more = format!("   and {} more", self.running.len() - shown);
            rows.push(cut(&more, columns).to_owned());
        }
        rows
    }
}

impl Progress {
    /// The bar first, so that a narrow terminal loses the end of the label.
    fn words(&self) -> String {
        let mut words = String::new();
        match self.fraction {
            Some(fraction) => {
                let fraction = fraction.clamp(0.0, 1.0);
                let filled = (0..BAR_COLUMNS)
                    .filter(|&column| (column as f64 + 0.5) / (BAR_COLUMNS as f64) <= fraction)
                    .count();
                let bar = "#".repeat(filled) + &"-".repeat(BAR_COLUMNS - filled);
                let _ = write!(words, "[{bar}] {:3.0} % ", (fraction * 100.0).floor());
            }
            None => words.push_str("[...] "),
        }
        let is_whole = self.fraction.is_some_and(|fraction| fraction >= 1.0);
        match (self.bytes_per_second.filter(|_| !is_whole), self.left) {
            (None, _) => {}
            (Some(0), None) => words.push_str("stalled "),
            (Some(rate), None) => {
                let _ = write!(words, "{} ", Rate(rate));
            }
            (Some(rate), Some(left)) => {
                let _ = write!(words, "{} {} left ", Rate(rate), Left(left));
            }
        }
        words + &safe_row(&self.label)
    }
}

/// The beginning of `text` that fits `columns`, never half a character.
pub(super) fn cut(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (offset, cluster) in text.grapheme_indices(true) {
        used += cluster.width();
        if used > columns {
            return &text[..offset];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(fraction: Option<f64>, rate: Option<u64>) -> Progress {
        Progress {
            label: "report.pdf to bob".to_owned(),
            fraction,
            bytes_per_second: rate,
            left: rate.map(|_| Duration::from_secs(65)),
        }
    }

    #[test]
    fn a_row_shows_how_far_how_fast_and_what() {
        let mut rows = ProgressRows::default();
        rows.set(7, progress(Some(0.25), Some(1_500_000)));
        rows.set(9, progress(None, None));
        let expected = [
            "[#####---------------]  25 % 1.5 MB/s 1m left report.pdf to bob",
            "[...] report.pdf to bob",
        ];
        assert_eq!(rows.rows(80), expected);
        assert_eq!(rows.rows(10), ["[#####----", "[...] repo"]);
        rows.remove(7);
        rows.remove(9);
        assert!(rows.is_empty());
    }

    #[test]
    fn a_row_whose_file_is_whole_or_stands_still_says_so() {
        let at = |fraction, rate| Progress {
            left: None,
            ..progress(Some(fraction), Some(rate))
        };
        let whole = "[####################] 100 % report.pdf to bob";
        assert_eq!(at(1.0, 1_000).words(), whole);
        let stalled = "[##########----------]  50 % stalled report.pdf to bob";
        assert_eq!(at(0.5, 0).words(), stalled);
    }

    #[test]
    fn fractions_and_rates_of_any_size_have_words() {
        for (fraction, end) in [
            (-1.0, "  0 %"),
            (0.999, " 99 %"),
            (1.0, "100 %"),
            (7.0, "100 %"),
        ] {
            let words = progress(Some(fraction), None).words();
            assert!(words.contains(end), "{words}");
        }
        for (rate, words) in [
            (0, "0 B/s"),
            (999, "999 B/s"),
            (1_000, "1.0 kB/s"),
            (999_900, "999.9 kB/s"),
            (45_000_000, "45.0 MB/s"),
            (u64::MAX, "18.4 EB/s"),
        ] {
            assert_eq!(Rate(rate).to_string(), words);
        }
    }

    #[test]
    fn many_transfers_take_few_rows() {
        let mut rows = ProgressRows::default();
        for id in 0..10 {
            rows.set(id, progress(Some(0.5), None));
        }
        let shown = rows.rows(80);
        assert_eq!(shown.len(), CLIENT_PROGRESS_ROWS_MAX);
        assert_eq!(shown.last().unwrap(), "   and 7 more");
    }
}
