//! An order over places in a table: numbers of four bytes, sorted by what the table holds there.
//!
//! A B-tree keeps a copy of each key, and its leaves stay half empty when keys come in ascending
//! order. Here the key stays in the table and a page that is filled from the end stays full, so
//! that an entry costs four to eight bytes. Keys that a peer chooses cannot make it slow: it is
//! ordered, not hashed.
//!
//! Knows nothing of the keys: each call brings the comparison, which must be the same every time.

use std::cmp::Ordering;

/// Places in the order of what they hold.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// None is empty but for one that is alone.
    pages: Vec<Vec<u32>>,
}

impl Directory {
    /// The first place that is not before what is sought.
    fn seek(&self, is_before: impl Fn(u32) -> bool) -> (usize, usize) {
        let is_over = |page: &Vec<u32>| page.last().is_some_and(|last| is_before(*last));
        let page = self.pages.partition_point(is_over);
        let lines = self.pages.get(page).map_or(&[][..], Vec::as_slice);
        (page, lines.partition_point(|place| is_before(*place)))
    }

    /// The places from the first that is not before what is sought.
    pub(super) fn from(&self, is_before: impl Fn(u32) -> bool) -> impl Iterator<Item = u32> {
        let (page, line) = self.seek(is_before);
        self.pages[page..].iter().flatten().skip(line).copied()
    }

    /// The first place that holds what is sought; `order` says how a place compares with it.
    pub(super) fn find(&self, order: impl Fn(u32) -> Ordering) -> Option<u32> {
        let first = self.from(|place| order(place).is_lt()).next();
        first.filter(|place| order(*place).is_eq())
    }

    /// Adds a place before the first that is not before it.
    pub(super) fn insert(&mut self, place: u32, is_before: impl Fn(u32) -> bool) {
        let (mut page, mut line) = self.seek(is_before);
        if page == self.pages.len() {
            // After everything: the last page is filled to its end.
            match self.pages.last() {
                Some(last) if last.len() < PAGE_LINES => (page, line) = (page - 1, last.len()),
                _ => self.pages.push(Vec::new()),
            }
        } else if self.pages[page].len() == PAGE_LINES {
            let tail = self.pages[page].split_off(PAGE_LINES / 2);
            self.pages.insert(page + 1, tail);
            if line > PAGE_LINES / 2 {
                (page, line) = (page + 1, line - PAGE_LINES / 2);
            }
        }
        self.pages[page].insert(line, place);
    }

    /// Removes a place, which is the first that is not before itself.
    pub(super) fn remove(&mut self, place: u32, is_before: impl Fn(u32) -> bool) {
        let (page, line) = self.seek(is_before);
        let Some(lines) = self.pages.get_mut(page) else {
            return;
        };
        if lines.get(line) == Some(&place) {
            lines.remove(line);
            self.merge(page);
            self.merge(page.saturating_sub(1));
        }
    }

    /// Puts a page and the next one together if they are half a page or less, or one is empty.
    fn merge(&mut self, page: usize) {
        let [first, second, ..] = &mut self.pages[page..] else {
            return;
        };
        let is_worth_it = first.is_empty() || second.is_empty();
        if is_worth_it || first.len() + second.len() <= PAGE_LINES / 2 {
            first.append(second);
            self.pages.remove(page + 1);
        }
    }
}

/// Places on a full page: so few that moving them is cheap, so many that pages are few.
const PAGE_LINES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn all(directory: &Directory) -> Vec<u32> {
        directory.from(|_| false).collect()
    }

    fn check(directory: &Directory, expected: &BTreeSet<u32>) {
        assert!(all(directory).iter().eq(expected));
        let is_bare = directory.pages.iter().any(Vec::is_empty);
        assert!(!is_bare || directory.pages.len() == 1);
        assert!(directory.pages.iter().all(|page| page.len() <= PAGE_LINES));
    }

    #[test]
    fn it_agrees_with_a_set_whatever_comes_and_goes() {
        let (mut directory, mut set) = (Directory::default(), BTreeSet::new());
        let mut number: u32 = 1;
        for turn in 0..40_000_u32 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let place = number >> 20;
            let is_wanted = (turn / 10_000).is_multiple_of(2);
            if is_wanted && set.insert(place) {
                directory.insert(place, |other| other < place);
            } else if !is_wanted && set.remove(&place) {
                directory.remove(place, |other| other < place);
            }
            if turn.is_multiple_of(1_000) {
                check(&directory, &set);
            }
            let found = directory.find(|other| other.cmp(&place));
            assert_eq!(found.is_some(), set.contains(&place));
        }
        for place in set {
            directory.remove(place, |other| other < place);
        }
        check(&directory, &BTreeSet::new());
        directory.insert(7, |other| other < 7);
        assert_eq!(all(&directory), [7]);
    }

    #[test]
    fn what_comes_in_order_fills_its_pages() {
        let mut directory = Directory::default();
        for place in 0..2_048 {
            directory.insert(place, |other| other < place);
        }
        assert_eq!(directory.pages.len(), 2_048 / PAGE_LINES);
        assert!(directory.from(|place| place < 1_000).eq(1_000..2_048));
    }
}
