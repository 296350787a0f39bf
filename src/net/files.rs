//! Files: what sealed clients ask for them, and what the chat orders for their bytes.

use super::server::Server;
use crate::chat::{
    ClientId, Command, FileCommand, FileOrder, FileOutcome, Input, Now, Outcome, RoomRef,
    SpoolFailure, Verdict,
};
use crate::wire::message::FileRequest;

impl Server {
    /// Deals with what a client asks about files.
    pub(super) fn apply_file(
        &mut self,
        client: ClientId,
        request: FileRequest<'_>,
        now: Now,
    ) -> Verdict {
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
            // Of what is not on its way nothing can be said.
            FileRequest::Chunk { .. }
            | FileRequest::Uploaded { .. }
            | FileRequest::More { .. }
            | FileRequest::Stop { .. } => return Verdict::Taken,
        };
        let input = Input::Command(client, key, Command::File(command));
        self.chat.apply(now, input, &mut self.effects)
    }

    /// Carries out what the chat orders for the bytes of files.
    pub(super) fn order_file(&mut self, order: FileOrder, now: Now) {
        match order {
            FileOrder::Open(record) => {
                let outcome = FileOutcome::Opened(record.file, Err(SpoolFailure::Io));
                let input = Input::Outcome(Outcome::File(outcome));
                let _ = self.chat.apply(now, input, &mut self.effects);
            }
            FileOrder::Take { .. } | FileOrder::Give(_) | FileOrder::Remove(..) => {}
        }
    }
}
