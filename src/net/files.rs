//! Files: what sealed clients ask for them, what the chat orders, and what the spool has done.

use super::server::{Server, ServerError};
use super::spool::SpoolThreads;
use crate::chat::{
    ClientId, Command, FileCommand, FileOrder, Input, Now, Outcome, RoomRef, Verdict,
};
use crate::files::{Transfers, Wanted};
use crate::wire::message::FileRequest;

/// The files on their way, and the threads that have their bytes.
pub(super) struct Files {
    pub(super) transfers: Transfers,
    pub(super) threads: SpoolThreads,
}

/// What a client asks about files: of the chat, or of a transfer that the chat has allowed.
enum Asked<'a> {
    Chat(Input<'a>),
    Nothing,
    Violation,
}

impl Server {
    /// Deals with what a client asks about files; nothing when that breaks the protocol.
    pub(super) fn apply_file(
        &mut self,
        client: ClientId,
        request: FileRequest<'_>,
        now: Now,
    ) -> Option<Verdict> {
        match self.asked_of_file(client, request) {
            Asked::Chat(input) => Some(self.chat.apply(now, input, &mut self.effects)),
            Asked::Nothing => {
                self.carry_out_files(now);
                Some(Verdict::Taken)
            }
            Asked::Violation => None,
        }
    }

    fn asked_of_file<'a>(&mut self, client: ClientId, request: FileRequest<'a>) -> Asked<'a> {
        let transfers = &mut self.files.transfers;
        let (key, command) = match request {
            FileRequest::Offer {
                key,
                room,
                to,
                name,
                bytes,
                digest,
            } => {
                let room = room.map(RoomRef::Id);
                let offer = FileCommand::Offer {
                    room,
                    to,
                    name,
                    bytes,
                    digest,
                };
                (key, offer)
            }
            FileRequest::SendOn { key, file } => (key, FileCommand::SendOn(file)),
            FileRequest::Fetch {
                key,
                file,
                offset,
                until,
            } => {
                let fetch = FileCommand::Fetch {
                    file,
                    offset,
                    until,
                };
                (key, fetch)
            }
            FileRequest::Files { key } => (key, FileCommand::List { in_words: false }),
            FileRequest::Chunk {
                file,
                offset,
                bytes,
            } => {
                let taken = transfers.chunk(client, file, offset, bytes);
                return taken.map_or(Asked::Violation, |()| Asked::Nothing);
            }
            FileRequest::Uploaded { file, digest } => {
                transfers.uploaded(client, file, digest);
                return Asked::Nothing;
            }
            FileRequest::More { file, until } => {
                transfers.more(client, file, until);
                return Asked::Nothing;
            }
            FileRequest::Stop { file } => {
                transfers.stop(client, file);
                return Asked::Nothing;
            }
        };
        Asked::Chat(Input::Command(client, key, Command::File(command)))
    }

    /// Carries out what the chat orders for the bytes of files.
    pub(super) fn order_file(&mut self, order: FileOrder, now: Now) {
        self.files.transfers.order(order);
        self.carry_out_files(now);
    }

    /// Takes in what the spool has done.
    ///
    /// # Errors
    ///
    /// [`ServerError`] when one of its threads has ended.
    pub(super) fn complete_files(&mut self, now: Now) -> Result<(), ServerError> {
        for done in self.files.threads.next_done()? {
            self.files.transfers.settle(done);
        }
        self.carry_out_files(now);
        self.carry_out(now);
        Ok(())
    }

    /// Carries out what the transfers want. What the chat makes of their outcomes is left among the
    /// effects, for whoever carries those out.
    pub(super) fn carry_out_files(&mut self, now: Now) {
        while let Some(wanted) = self.files.transfers.next_wanted() {
            match wanted {
                Wanted::Reply(client, event) => self.fanout.reply(client, &event),
                Wanted::Ready(client) => self.fanout.offer_spare(client),
                Wanted::Outcome(outcome) => {
                    let input = Input::Outcome(Outcome::File(outcome));
                    let _ = self.chat.apply(now, input, &mut self.effects);
                }
                // That the thread has ended is seen when its answers are looked at.
                Wanted::Job(job) => drop(self.files.threads.submit(job)),
            }
        }
    }
}
