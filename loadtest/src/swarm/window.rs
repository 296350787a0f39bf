//! Windows: how far everybody of a thread has come with what each speaker said.
//!
//! In a closed loop a message is outstanding until the last listener has it. A [`Window`] counts
//! for each outstanding message of one speaker how many of this thread's listeners have it. The
//! slowest listener sets the pace, as it does where people wait for each other.

use std::collections::VecDeque;

/// One speaker's outstanding messages, as one thread's listeners see them.
pub(super) struct Window {
    /// The oldest message that somebody lacks.
    front: u32,
    /// Per message from there on, how many have it.
    counts: VecDeque<u32>,
    /// How many should.
    listeners: u32,
}

impl Window {
    /// A window over what so many listeners should have.
    pub(super) fn new(listeners: u32) -> Self {
        Self {
            front: 0,
            counts: VecDeque::new(),
            listeners,
        }
    }

    /// How many messages everybody has; all there can be, if there is nobody.
    pub(super) fn complete(&self) -> u32 {
        if self.listeners == 0 {
            u32::MAX
        } else {
            self.front
        }
    }

    /// A listener has message `number`; whether the front moved.
    pub(super) fn note(&mut self, number: u32) -> bool {
        let Some(index) = number.checked_sub(self.front) else {
            return false;
        };
        let index = usize::try_from(index).expect("a window is small");
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        index == 0 && self.advance()
    }

    /// A listener is gone that had everything below `next`; whether the front moved.
    pub(super) fn remove_listener(&mut self, next: u32) -> bool {
        self.listeners = self.listeners.saturating_sub(1);
        let had = usize::try_from(next.saturating_sub(self.front)).expect("a window is small");
        for count in self.counts.iter_mut().take(had) {
            *count = count.saturating_sub(1);
        }
        self.advance()
    }

    /// Gives up what is outstanding below `said`; whether the front moved.
    pub(super) fn write_off(&mut self, said: u32) -> bool {
        let moved = said > self.front;
        if moved {
            self.front = said;
            self.counts.clear();
        }
        moved
    }

    fn advance(&mut self) -> bool {
        let before = self.front;
        while self
            .counts
            .front()
            .is_some_and(|count| *count >= self.listeners)
        {
            self.counts.pop_front();
            self.front += 1;
        }
        self.front != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_listener_sets_the_pace() {
        let mut window = Window::new(2);
        assert!(!window.note(0) && !window.note(1) && !window.note(2));
        assert!(window.note(0));
        assert_eq!(window.complete(), 1);
        assert!(!window.note(2));
        assert!(window.note(1));
        assert_eq!(window.complete(), 3);
    }

    #[test]
    fn who_goes_is_not_waited_for() {
        let mut window = Window::new(2);
        for number in 0..3 {
            window.note(number);
        }
        // The one that goes has had two of them, the one that stays all three.
        window.note(0);
        window.note(1);
        assert_eq!(window.complete(), 2);
        assert!(window.remove_listener(2));
        assert_eq!(window.complete(), 3);
        assert_eq!(Window::new(0).complete(), u32::MAX);
    }

    #[test]
    fn what_is_written_off_is_not_waited_for() {
        let mut window = Window::new(1);
        window.note(1);
        assert!(window.write_off(5));
        assert_eq!(window.complete(), 5);
        assert!(!window.note(2));
        assert!(window.note(5));
    }
}
