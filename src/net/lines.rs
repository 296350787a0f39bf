//! The read phase at the line door: lines become inputs of the chat.
//!
//! A person types them, or a program sends them all at once. So an empty line means leaving only
//! when nothing follows it for a while, and what was typed ahead of a refused name is thrown away:
//! it was meant for somebody else's prompt.

use super::connection::Link;
use super::deadlines::Kind;
use super::server::Server;
use crate::chat::{ClientId, Close, Event, Input, Now, Refusal, Verdict};
use crate::limits::{
    EMPTY_LINE_WAIT, MESSAGE_ENVELOPE_BYTES_MAX, TEXT_BYTES_MAX, UNNAMED_MESSAGE_BYTES_MAX,
};
use crate::wire::line::{LineItem, LineReader};

impl Server {
    /// Carries out the lines in `bytes`, behind those that waited; tells whether one was dealt with.
    pub(super) fn feed_lines(
        &mut self,
        client: ClientId,
        reader: &mut LineReader,
        bytes: &[u8],
        now: Now,
    ) -> bool {
        let mut is_handled = false;
        let mut input = bytes;
        if !bytes.is_empty() {
            self.heard(client, now);
        }
        while let Some(item) = reader.peek(&mut input) {
            // At a prompt for something secret an empty line is an answer.
            let is_asked = self.chat.is_asked(client);
            let is_empty = item == LineItem::Empty && !is_asked;
            let verdict = if is_asked && item == LineItem::Empty {
                let input = Input::Line(client, "");
                self.chat.apply(now, input, &mut self.effects)
            } else {
                self.apply_item(client, item, now)
            };
            self.carry_out(now);
            if let Verdict::Paused(pause) = verdict {
                reader.stash(input);
                self.pause(client, pause);
                break;
            }
            reader.consume(&mut input);
            is_handled = true;
            let Some(connection) = self.connections.find(client) else {
                break;
            };
            if connection.flags.silenced || connection.flags.doomed {
                break;
            }
            if std::mem::take(&mut connection.flags.discard) {
                reader.discard(&mut input);
            }
            if connection.flags.named {
                reader.set_bytes_max(TEXT_BYTES_MAX + MESSAGE_ENVELOPE_BYTES_MAX);
            }
            // Nothing has come behind it, not even the beginning of a line.
            if is_empty && input.is_empty() && reader.held() == 0 {
                self.begin_empty_line(client, now);
            }
            if self.must_be_paid(client) {
                reader.stash(input);
                break;
            }
        }
        is_handled
    }

    /// Carries out one thing that came through the line door.
    fn apply_item(&mut self, client: ClientId, item: LineItem<'_>, now: Now) -> Verdict {
        let refusal = match item {
            LineItem::Line(line) => {
                let input = Input::Line(client, &line);
                return self.chat.apply(now, input, &mut self.effects);
            }
            LineItem::Interrupt => {
                let input = Input::Line(client, "/quit");
                return self.chat.apply(now, input, &mut self.effects);
            }
            // What it means is seen once it is known whether something follows.
            LineItem::Empty => return Verdict::Taken,
            LineItem::TooLong => Refusal::TextTooLong {
                max: self.line_bytes_max(client),
            },
            LineItem::Foreign(protocol) => {
                let refusal = Refusal::WrongDoor {
                    advice: protocol.advice(),
                };
                let told = Event::Refused(None, refusal);
                self.finish(client, Some(&told), Close::Done, now);
                return Verdict::Taken;
            }
        };
        self.fanout.reply(client, &Event::Refused(None, refusal));
        Verdict::Taken
    }

    /// How long a line may be at present.
    fn line_bytes_max(&mut self, client: ClientId) -> usize {
        let is_named = self
            .connections
            .find(client)
            .is_some_and(|found| found.flags.named);
        if is_named {
            TEXT_BYTES_MAX
        } else {
            UNNAMED_MESSAGE_BYTES_MAX
        }
    }

    /// An empty line means leaving, but only when nothing follows it for a while.
    fn begin_empty_line(&mut self, client: ClientId, now: Now) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        connection.empty_line = Some(now.monotonic);
        self.deadlines.arm(Kind::EmptyLine, client, now.monotonic);
    }

    /// An empty line has stood alone for long enough, unless something came since.
    pub(super) fn end_empty_line(&mut self, client: ClientId, now: Now) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        let Some(since) = connection.empty_line else {
            return;
        };
        if now.monotonic < since + EMPTY_LINE_WAIT || connection.flags.silenced {
            return;
        }
        if connection.wait.is_some() || connection.flags.readable {
            // What may have followed has not been read yet.
            self.deadlines.arm(Kind::EmptyLine, client, now.monotonic);
            return;
        }
        let verdict = self
            .chat
            .apply(now, Input::Line(client, ""), &mut self.effects);
        self.carry_out(now);
        match verdict {
            // It spoke faster than its rate; the empty line stands until it is heard.
            Verdict::Paused(_) => self.deadlines.arm(Kind::EmptyLine, client, now.monotonic),
            Verdict::Taken => {
                if let Some(connection) = self.connections.find(client) {
                    connection.empty_line = None;
                }
            }
        }
    }

    /// Throws away what a connection typed ahead: what it holds now, or, while it is being fed,
    /// what is behind the line in hand.
    pub(super) fn discard(&mut self, client: ClientId) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        let Link::Line(reader) = &mut connection.link else {
            connection.flags.discard = true;
            return;
        };
        reader.discard(&mut [].as_slice());
        let held = reader.held();
        self.incomplete_bytes = self.incomplete_bytes + held - connection.held_bytes;
        connection.held_bytes = held;
    }
}
