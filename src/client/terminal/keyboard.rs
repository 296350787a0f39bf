//! The keyboard: a thread that waits for keys and wakes the poll.
//!
//! A thread, because the terminal library has its own poll and can only be waited for. What it
//! hands over is what the keys mean, so that nothing else knows their codes.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read};
use mio::Waker;

use crate::limits::CLIENT_KEYS_AHEAD_MAX;

/// What the user does at the keyboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A character.
    Character(char),
    /// A text that was pasted, with its line ends.
    Paste(String),
    /// The line is finished.
    Enter,
    /// A line end within the line.
    NewLine,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Up,
    Down,
    Backspace,
    Delete,
    CutWord,
    CutWordRight,
    CutToStart,
    CutToEnd,
    PutBack,
    /// Ctrl-C.
    Interrupt,
    /// Esc.
    Escape,
    /// Ctrl-D.
    EndOfInput,
    /// Ctrl-L.
    Clear,
    /// Tab.
    Complete,
    /// Ctrl-R.
    Search,
    /// Ctrl-G.
    Abort,
    /// Ctrl-Z.
    Pause,
    /// The terminal has another size now.
    Resized,
}

/// Keys that have come.
pub(super) struct Keyboard(Receiver<io::Result<Key>>);

impl Keyboard {
    /// Begins to wait for keys; `waker` is woken for each.
    pub(super) fn start(waker: Arc<Waker>) -> Self {
        let (sender, receiver) = sync_channel(CLIENT_KEYS_AHEAD_MAX);
        std::thread::spawn(move || {
            loop {
                let key = match read() {
                    Ok(event) => match meaning(event) {
                        Some(key) => Ok(key),
                        None => continue,
                    },
                    Err(error) => Err(error),
                };
                let failed = key.is_err();
                if sender.send(key).is_err() || waker.wake().is_err() || failed {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// All keys that have come since the last time.
    ///
    /// # Errors
    ///
    /// When the terminal is gone.
    pub(super) fn pressed(&self) -> io::Result<Vec<Key>> {
        let mut keys = Vec::new();
        loop {
            match self.0.try_recv() {
                Ok(key) => keys.push(key?),
                Err(TryRecvError::Empty) => return Ok(keys),
                Err(TryRecvError::Disconnected) if keys.is_empty() => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Err(TryRecvError::Disconnected) => return Ok(keys),
            }
        }
    }
}

fn meaning(event: Event) -> Option<Key> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => key_meaning(key),
        Event::Paste(text) => Some(Key::Paste(text)),
        Event::Resize(..) => Some(Key::Resized),
        Event::Key(_) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most keys mean nothing here"
)]
fn key_meaning(key: KeyEvent) -> Option<Key> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    let by_word = control || alt;
    Some(match key.code {
        KeyCode::Char(letter) if control => return control_meaning(letter),
        KeyCode::Char('b') if alt => Key::WordLeft,
        KeyCode::Char('f') if alt => Key::WordRight,
        KeyCode::Char('d') if alt => Key::CutWordRight,
        KeyCode::Char(_) if alt => return None,
        KeyCode::Char(character) => Key::Character(character),
        KeyCode::Esc => Key::Escape,
        KeyCode::Tab => Key::Complete,
        KeyCode::Enter if alt => Key::NewLine,
        KeyCode::Enter => Key::Enter,
        KeyCode::Left if by_word => Key::WordLeft,
        KeyCode::Left => Key::Left,
        KeyCode::Right if by_word => Key::WordRight,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Backspace if by_word => Key::CutWord,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete if by_word => Key::CutWordRight,
        KeyCode::Delete => Key::Delete,
        _ => return None,
    })
}

/// The control keys as shells have them.
fn control_meaning(letter: char) -> Option<Key> {
    Some(match letter.to_ascii_lowercase() {
        'a' => Key::Home,
        'b' => Key::Left,
        'c' => Key::Interrupt,
        'd' => Key::EndOfInput,
        'e' => Key::End,
        'f' => Key::Right,
        'g' => Key::Abort,
        'h' => Key::Backspace,
        'j' | 'm' => Key::Enter,
        'k' => Key::CutToEnd,
        'l' => Key::Clear,
        'n' => Key::Down,
        'p' => Key::Up,
        'r' => Key::Search,
        'u' => Key::CutToStart,
        'w' => Key::CutWord,
        'y' => Key::PutBack,
        'z' => Key::Pause,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
        meaning(Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn keys_mean_what_shells_have_taught() {
        let control = |letter| pressed(KeyCode::Char(letter), KeyModifiers::CONTROL);
        assert_eq!(control('c'), Some(Key::Interrupt));
        assert_eq!(control('w'), Some(Key::CutWord));
        assert_eq!(control('q'), None);
        let plain = |code| pressed(code, KeyModifiers::NONE);
        assert_eq!(plain(KeyCode::Char('ä')), Some(Key::Character('ä')));
        assert_eq!(plain(KeyCode::F(1)), None);
        let shifted = pressed(KeyCode::Char('A'), KeyModifiers::SHIFT);
        assert_eq!(shifted, Some(Key::Character('A')));
        let word = pressed(KeyCode::Left, KeyModifiers::CONTROL);
        assert_eq!(word, Some(Key::WordLeft));
    }
}
