//! Speaking, and showing the other threads what became of it.

use super::Worker;
use crate::plan::FileRole;
use crate::stamp::Stamp;
use crate::swarm::connection::Connection;
use std::sync::atomic::Ordering::Relaxed;

impl Worker {
    /// Lets the speakers say what they may and must.
    pub(super) fn speak(&mut self) {
        let Some(begin) = self.speaking else {
            return;
        };
        for index in 0..self.voices.len() {
            let now = self.clock.now();
            let voice = &mut self.voices[index];
            let complete = if self.wakers.len() == 1 {
                self.ears.complete(voice.speaker)
            } else {
                self.board.complete(voice.speaker)
            };
            let acknowledges = self.plan.protocol.acknowledges();
            let count = voice.allowance(begin, now, complete, acknowledges);
            let ready = |found: &&mut Connection| found.joined && found.owes_nothing();
            let connection = self.seats[voice.seat].connection.as_mut().filter(ready);
            let Some(connection) = connection.filter(|_| count > 0) else {
                continue;
            };
            self.words.clear();
            for _ in 0..count {
                let at = voice.sent_at(begin, now);
                let stamp = Stamp {
                    run: self.plan.run,
                    speaker: voice.speaker,
                    number: voice.said,
                    at,
                };
                self.text.clear();
                stamp.write(self.plan.size, &mut self.text);
                let text = std::str::from_utf8(&self.text).expect("a stamp is ASCII");
                connection.word(text, &mut self.words);
                voice.said += 1;
                if self.ears.is_timed(at) && voice.due(begin).is_some() {
                    self.ears.harvest.lag.record(now.saturating_sub(at));
                }
            }
            let (speaker, said, seat) = (voice.speaker, voice.said, voice.seat);
            let spoken = connection.speak(&self.words, now, &mut self.out);
            self.board.set_said(speaker, said);
            let column = self.board.column(self.thread);
            column.said.fetch_add(u64::from(count), Relaxed);
            if let Err(trouble) = spoken {
                self.fail(seat, &trouble);
            }
        }
    }

    /// Has those who send files offer one of so many bytes.
    pub(super) fn offer(&mut self, bytes: u64) {
        for seat in 0..self.seats.len() {
            let state = &mut self.seats[seat];
            let sends = self.plan.members[state.index].files == FileRole::Sends;
            let Some(connection) = state.connection.as_mut().filter(|_| sends) else {
                continue;
            };
            self.words.clear();
            connection.offer(bytes, &mut self.words);
            let now = self.clock.now();
            if let Err(trouble) = connection.speak(&self.words, now, &mut self.out) {
                self.fail(seat, &trouble);
            }
        }
    }

    /// Shows the others what has changed.
    pub(super) fn show(&mut self) {
        let column = self.board.column(self.thread);
        column.heard.store(self.ears.heard, Relaxed);
        let by_staying = self.ears.heard_by_staying;
        column.heard_by_staying.store(by_staying, Relaxed);
        column.file_bytes.store(self.ears.file_bytes, Relaxed);
        column.files.store(self.ears.files, Relaxed);
        column.files_wrong.store(self.ears.files_wrong, Relaxed);
        column.announced.store(self.ears.announced, Relaxed);
        if self.ears.moved.is_empty() {
            return;
        }
        let mut to_wake = vec![false; self.wakers.len()];
        for speaker in self.ears.moved.drain(..).collect::<Vec<_>>() {
            let complete = self.ears.complete(speaker);
            self.board.set_complete(speaker, self.thread, complete);
            to_wake.fill(true);
        }
        for (thread, waker) in self.wakers.iter().enumerate() {
            if thread != self.thread && to_wake[thread] {
                // A thread that has ended needs no waking.
                let _ = waker.wake();
            }
        }
    }

    /// Shows where all windows stand.
    pub(super) fn show_windows(&self) {
        for speaker in 0..u16::try_from(self.plan.speakers()).expect("speakers are u16") {
            let complete = self.ears.complete(speaker);
            self.board.set_complete(speaker, self.thread, complete);
        }
    }
}
