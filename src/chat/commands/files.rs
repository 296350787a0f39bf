//! Offering, fetching and taking back files.

use super::super::inboxes::Addressee;
use super::super::name::Name;
use super::super::refusal::{FileRefusal, Refusal};
use super::super::text::one_line;
use super::super::{
    Chat, Digest, Effect, Effects, Event, FileCommand, FileEnd, FileEvent, FileId, FileListing,
    FileOrder, Give, OfferPlace, OfferRecord, Party, RoomRef, Size,
};
use super::{Answer, Asker, Yield};
use crate::chat::files::{Offered, party_of};
use crate::limits::{ANSWER_LINES_MAX, COSTLY_COMMAND_COST, FILE_NAME_BYTES_MAX};
use std::sync::Arc;

/// A file as its owner describes it.
struct Described<'a> {
    room: Option<RoomRef<'a>>,
    to: Option<&'a str>,
    name: &'a str,
    bytes: u64,
    digest: Option<Digest>,
}

/// What a command about files costs of the rate, and what it gives the journal to do.
pub(super) fn cost_and_yield(command: &FileCommand<'_>) -> (u32, Yield) {
    match command {
        FileCommand::Offer { .. } => (1, Yield::Message),
        FileCommand::List { .. } => (COSTLY_COMMAND_COST, Yield::Nothing),
        FileCommand::SendOn(_)
        | FileCommand::Fetch { .. }
        | FileCommand::Refuse(_)
        | FileCommand::Cancel(_)
        | FileCommand::ByClient => (1, Yield::Nothing),
    }
}

impl Chat {
    /// Carries out what is asked about files.
    pub(super) fn about_file(
        &mut self,
        asker: Asker,
        command: FileCommand<'_>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        match command {
            FileCommand::Offer {
                room,
                to,
                name,
                bytes,
                digest,
            } => {
                let described = Described {
                    room,
                    to,
                    name,
                    bytes,
                    digest,
                };
                self.offer(asker, &described, effects)
            }
            FileCommand::SendOn(file) => self.send_on(asker, file, effects),
            FileCommand::Fetch {
                file,
                offset,
                until,
            } => self.fetch(asker, file, (offset, until), effects),
            FileCommand::List { in_words } => self.list_files(asker, in_words, effects),
            FileCommand::Refuse(file) => {
                self.offer_for(asker.id, file).map_err(Refusal::File)?;
                self.refuse_offer(asker.id, file, effects);
                Ok(Answer::Done)
            }
            FileCommand::Cancel(file) => self.cancel(asker, file, effects),
            FileCommand::ByClient => Err(Refusal::File(FileRefusal::ClientNeeded)),
        }
    }

    /// Offers a file. What is told of it follows when there is a place for its bytes.
    fn offer(
        &mut self,
        asker: Asker,
        described: &Described<'_>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let refused = Refusal::File;
        let place = match described.to {
            None => {
                let room = self.own_room(asker, described.room)?;
                self.check_voice(asker.id, room)?;
                OfferPlace::Room(room)
            }
            Some(to) => OfferPlace::Person(self.addressed(asker, to)?),
        };
        // A TAB would be taken for the next column of a list.
        let name = one_line(described.name, FILE_NAME_BYTES_MAX + 1).replace('\t', " ");
        if name.is_empty() || name.len() > FILE_NAME_BYTES_MAX {
            return Err(refused(FileRefusal::BadFileName));
        }
        let by = self.party(asker.id).ok_or(Refusal::NameNeeded)?;
        let record = OfferRecord {
            file: FileId(0),
            by,
            place,
            name: name.into(),
            bytes: described.bytes,
            digest: described.digest,
            since_unix_ms: self.now.unix_ms,
            is_whole: false,
        };
        match self.unfinished_offer(&record, asker.key) {
            Some(file) => self.send_on(asker, file, effects),
            None if self.repeats_offer(&record, asker) => Ok(Answer::Elsewhere),
            None => {
                let opened = self.open_offer(asker, record, effects);
                opened.map(|()| Answer::Elsewhere).map_err(refused)
            }
        }
    }

    /// Who is meant to get a file.
    fn addressed(&self, asker: Asker, to: &str) -> Result<Party, Refusal> {
        let to = Name::parse(to).map_err(Refusal::BadName)?;
        let (addressee, sent) = self.addressee(to)?;
        let party = match addressee {
            Addressee::Account(account) => Some(Party {
                name: sent.to,
                account: Some(account),
                session: None,
                key: None,
            }),
            Addressee::Guest(id) => self.people.get(id).map(party_of),
        };
        let party = party.ok_or(Refusal::NoSuchPerson(to))?;
        match self.party(asker.id) {
            Some(own) if own.is(&party) => Err(Refusal::Oneself),
            Some(_) | None => Ok(party),
        }
    }

    fn send_on(
        &mut self,
        asker: Asker,
        file: FileId,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        self.own_offer(asker.id, file).map_err(Refusal::File)?;
        let (client, key) = (asker.client, asker.key);
        let order = FileOrder::Take { client, key, file };
        effects.push_back(Effect::File(order));
        Ok(Answer::Elsewhere)
    }

    fn fetch(
        &mut self,
        asker: Asker,
        file: FileId,
        (offset, until): (u64, u64),
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let offered = self.offer_for(asker.id, file).map_err(Refusal::File)?;
        let record = &offered.record;
        if offset > record.bytes {
            let bytes = record.bytes;
            return Err(Refusal::File(FileRefusal::BeyondEnd { bytes }));
        }
        let give = Give {
            client: asker.client,
            key: asker.key,
            file,
            room: match record.place {
                OfferPlace::Room(room) => Some(room),
                OfferPlace::Person(_) => None,
            },
            from: record.by.name,
            name: Arc::clone(&record.name),
            offset,
            until,
        };
        effects.push_back(Effect::File(FileOrder::Give(give)));
        Ok(Answer::Elsewhere)
    }

    fn cancel(
        &mut self,
        asker: Asker,
        file: FileId,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        if !self.moderates_offer(asker.id, file) {
            self.own_offer(asker.id, file).map_err(Refusal::File)?;
        }
        self.end_offer(Some(asker.id), file, FileEnd::Cancelled, effects);
        Self::notice(asker.client, format!("N {file} is taken back"), effects);
        Ok(Answer::Done)
    }

    /// Tells what one may fetch and what one offers, the oldest first; when there is too much, the
    /// newest of it.
    fn list_files(
        &mut self,
        asker: Asker,
        in_words: bool,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let party = self.party(asker.id).ok_or(Refusal::NameNeeded)?;
        let shown = self.offers.standing();
        let shown = shown.filter(|offered| self.is_listed_for(asker.id, &party, offered));
        let shown = shown.take(ANSWER_LINES_MAX);
        let listings = shown.map(|offered| self.listing(&party, offered));
        let mut listings: Vec<FileListing> = listings.collect();
        listings.reverse();
        if in_words {
            Self::notice(asker.client, words(&listings), effects);
        } else {
            for listing in listings {
                let listed = Event::File(FileEvent::Listed(listing));
                effects.push_back(Effect::Reply(asker.client, listed));
            }
        }
        Ok(Answer::Done)
    }

    fn listing(&self, party: &Party, offered: &Offered) -> FileListing {
        let record = &offered.record;
        let (room, to) = match record.place {
            OfferPlace::Room(room) => (self.rooms.get(room).map(|room| room.name), None),
            OfferPlace::Person(to) => (None, Some(to.name)),
        };
        FileListing {
            file: record.file,
            from: record.by.name,
            room,
            to,
            is_own: record.by.is(party),
            name: Arc::clone(&record.name),
            bytes: record.bytes,
            digest: record.digest,
            is_whole: record.is_whole,
        }
    }
}

/// A list of files for people.
fn words(listings: &[FileListing]) -> String {
    if listings.is_empty() {
        return "no files are offered to you".to_owned();
    }
    let line = |one: &FileListing| {
        let (file, name, size) = (one.file, &one.name, Size(one.bytes));
        let from = match (one.is_own, one.room, one.to) {
            (true, Some(room), _) => format!("from you in {room}"),
            (true, None, Some(to)) => format!("from you to {to}"),
            (false, Some(room), _) => format!("from {} in {room}", one.from),
            (_, None, _) => format!("from {}", one.from),
        };
        let state = if one.is_whole { "" } else { ", on its way" };
        format!("N {file}: {name} ({size}) {from}{state}")
    };
    let lines: Vec<String> = listings.iter().map(line).collect();
    lines.join("\n")
}
