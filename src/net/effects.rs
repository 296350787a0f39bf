//! Carrying out: each effect of the chat becomes a call of the module that owns it.

use super::connection::Link;
use super::server::{Server, list};
use crate::chat::{ClientId, Close, Effect, Event, Job, Now, Parting, RoomOrder};

impl Server {
    /// Carries out what the chat asked for, in order, before it is given anything else.
    pub(super) fn carry_out(&mut self, now: Now) {
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                Effect::Reply(client, event) => self.fanout.reply(client, &event),
                Effect::Room(order) => self.order_room(order, now),
                Effect::Submit(Job::Password(job)) => {
                    let is_trusted = self.config.trusted.contains(job.source);
                    self.passwords.submit(job, is_trusted);
                }
                Effect::Submit(job) => self.workers.submit(job),
                Effect::Discard(client) => self.discard(client),
                Effect::Named(client) => self.named(client),
                Effect::Finish(client, farewell, close) => {
                    self.finish(client, farewell.as_ref(), close, now);
                }
                Effect::Expel(client, close) => self.expel(client, close, now),
                Effect::Record(activity) => self.operators.activity.record(activity),
                Effect::Administered(request, outcome) => self.administered(request, outcome),
                Effect::Operate(operation) => self.operate(operation, now),
                Effect::File(order) => self.order_file(order, now),
            }
        }
    }

    fn order_room(&mut self, order: RoomOrder, now: Now) {
        let mut leaver = None;
        if let RoomOrder::Leave { room, client } = order {
            leaver = Some((client, room));
        }
        self.fanout.order(order);
        // Who is no longer in a room does not go on fetching what was offered there.
        if let Some((client, room)) = leaver {
            self.files.transfers.left(client, room);
            self.carry_out_files(now);
        }
    }

    fn named(&mut self, client: ClientId) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        if !std::mem::replace(&mut connection.flags.named, true) {
            self.admission.name(connection.source);
        }
    }

    /// Says everything that is owed, then `farewell`, then closes.
    pub(super) fn finish(
        &mut self,
        client: ClientId,
        farewell: Option<&Event>,
        close: Close,
        now: Now,
    ) {
        self.fanout.finish(client, farewell, close);
        self.silence(client, Parting::Left, now);
    }

    /// Closes as soon as the begun entry is whole.
    pub(super) fn expel(&mut self, client: ClientId, close: Close, now: Now) {
        self.fanout.expel(client, close);
        self.silence(client, super::server::connection_lost(), now);
    }

    /// From now on what the client sends is thrown away, and it must take what it is still told
    /// within the time a goodbye may last.
    pub(super) fn silence(&mut self, client: ClientId, parting: Parting, now: Now) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        connection.parting = parting;
        connection.flags.silenced = true;
        connection.wait = None;
        connection.link = Link::Closing;
        // It may have waited, so that what came, the end too, was announced but not read.
        if connection.flags.readable {
            list(connection, &mut self.queues.readable);
        }
        self.incomplete_bytes -= std::mem::take(&mut connection.held_bytes);
        self.deadlines
            .arm(super::deadlines::Kind::Close, client, now.monotonic);
    }
}
