//! Lines typed before, for the arrow keys. Kept in memory only: nothing typed reaches the disk.

use std::collections::VecDeque;

use crate::limits::{CLIENT_HISTORY_BYTES_MAX, CLIENT_HISTORY_LINES_MAX};

/// The lines typed before, oldest first, and where in them the user looks.
#[derive(Default)]
pub struct History {
    lines: VecDeque<String>,
    bytes: usize,
    /// Which line is shown, and the one that was being typed when looking began.
    looking: Option<(usize, String)>,
}

impl History {
    /// Remembers a line, unless it is empty or the same as the one before.
    pub fn add(&mut self, line: &str) {
        let repeated = self.lines.back().is_some_and(|last| last == line);
        if line.is_empty() || repeated || line.len() > CLIENT_HISTORY_BYTES_MAX {
            return;
        }
        self.bytes += line.len();
        self.lines.push_back(line.to_owned());
        while self.lines.len() > CLIENT_HISTORY_LINES_MAX || self.bytes > CLIENT_HISTORY_BYTES_MAX {
            let oldest = self.lines.pop_front().expect("over a bound, so not empty");
            self.bytes -= oldest.len();
        }
    }

    /// Ends looking: the shown line is now the one being typed.
    pub fn stop(&mut self) {
        self.looking = None;
    }

    /// The line before the shown one; `typed` is kept for coming back.
    pub fn older(&mut self, typed: &str) -> Option<String> {
        let (place, begun) = match self.looking.take() {
            Some((place, begun)) => (place, begun),
            None => (self.lines.len(), typed.to_owned()),
        };
        let found = place.checked_sub(1);
        self.looking = (place < self.lines.len() || found.is_some())
            .then_some((found.unwrap_or(place), begun));
        found.map(|place| self.lines[place].clone())
    }

    /// The line after the shown one, in the end the one that was being typed.
    pub fn newer(&mut self) -> Option<String> {
        let (place, begun) = self.looking.take()?;
        match self.lines.get(place + 1) {
            Some(line) => {
                self.looking = Some((place + 1, begun));
                Some(line.clone())
            }
            None => Some(begun),
        }
    }

    /// The newest line that holds `wanted` in any case of ASCII, older than `before` if that is
    /// given; with its place, from which to look further.
    pub fn find(&self, wanted: &str, before: Option<usize>) -> Option<(usize, &str)> {
        let end = before.map_or(self.lines.len(), |place| place.min(self.lines.len()));
        let wanted = wanted.to_ascii_lowercase();
        (0..end)
            .rev()
            .map(|place| (place, self.lines[place].as_str()))
            .find(|(_, line)| line.to_ascii_lowercase().contains(&wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_from_the_newest_on() {
        let mut history = History::default();
        for line in ["one", "Two", "one more"] {
            history.add(line);
        }
        assert_eq!(history.find("ONE", None), Some((2, "one more")));
        assert_eq!(history.find("one", Some(2)), Some((0, "one")));
        assert_eq!(history.find("one", Some(0)), None);
        assert_eq!(history.find("two", None), Some((1, "Two")));
    }

    #[test]
    fn the_oldest_lines_go_first() {
        let mut history = History::default();
        for number in 0..=CLIENT_HISTORY_LINES_MAX {
            history.add(&number.to_string());
            history.add(&number.to_string());
        }
        assert_eq!(history.lines.len(), CLIENT_HISTORY_LINES_MAX);
        assert_eq!(history.lines.front().unwrap(), "1");
        let half = "x".repeat(CLIENT_HISTORY_BYTES_MAX / 2 + 1);
        history.add(&half);
        history.add(&format!("{half}y"));
        assert_eq!(history.lines.len(), 1);
        assert_eq!(history.bytes, half.len() + 1);
    }
}
