//! What there is to be fetched, as the server lists it: asked for, shown, and fetched from.
//!
//! One question is out at a time; what is wished for meanwhile is asked for by the next.

use std::collections::BTreeSet;

use super::{Fate, Outgoing, Transfers};
use crate::chat::{FileId, FileListing, MessageKey, Size};
use crate::client::files::Offered;
use crate::client::session::Session;
use crate::wire::message::FileRequest;

/// What the server is to be asked for.
#[derive(Default)]
pub(super) struct Wishes {
    /// The list itself.
    pub(super) list: bool,
    /// All that there is.
    pub(super) all: bool,
    /// Files of which nothing is known here.
    pub(super) numbers: BTreeSet<FileId>,
}

impl Transfers {
    /// Asks what there is, if that is to be known.
    pub(super) fn ask_list(&mut self, session: &mut Session) {
        let Wishes { list, all, numbers } = &self.wishes;
        if self.listing.is_some() || !(*list || *all || !numbers.is_empty()) {
            return;
        }
        let key = session.draw_file_key();
        self.listing = Some((key, Vec::new()));
        session.ask_file(&FileRequest::Files { key }, &mut |_| {});
    }

    /// What there is was told.
    pub(super) fn listed(&mut self, key: MessageKey) {
        let Some((_, listings)) = self.listing.take_if(|(asked, _)| *asked == key) else {
            return;
        };
        let Wishes {
            list,
            all,
            mut numbers,
        } = std::mem::take(&mut self.wishes);
        if list {
            self.tell_list(&listings);
        }
        let mut begun = 0;
        for listing in listings.iter().filter(|listing| !listing.is_own) {
            let offered = Offered::listed(listing);
            let is_new = !self.received.contains(&offered.file) && !self.has(offered.file);
            if numbers.remove(&offered.file) || (all && is_new) {
                begun += 1;
                self.fetch(offered.clone());
            }
            self.remember(offered);
        }
        if all && begun == 0 {
            self.tell("there is nothing that has not come or is not coming");
        }
        for file in numbers {
            let own = listings.iter().find(|listing| listing.file == file);
            self.said.push(Fate::Ill(match own {
                Some(_) => format!("N {file} is your own"),
                None => format!("there is no N {file} for you; /files tells what there is"),
            }));
        }
    }

    fn tell_list(&mut self, listings: &[FileListing]) {
        for listing in listings {
            let words = self.listing_words(listing);
            self.said.push(Fate::Well(words));
        }
        let unnumbered = self.outgoing.values().filter(|one| one.file().is_none());
        let unnumbered: Vec<_> = unnumbered.map(Outgoing::words).collect();
        if listings.is_empty() && unnumbered.is_empty() {
            self.tell("no files are offered; /send FILE offers one");
        }
        self.said.extend(unnumbered.into_iter().map(Fate::Well));
    }

    fn listing_words(&self, listing: &FileListing) -> String {
        let FileListing { file, name, .. } = listing;
        let size = Size(listing.bytes);
        let place = match (listing.room, listing.to.filter(|_| listing.is_own)) {
            (Some(room), _) => format!(" in {room}"),
            (None, Some(to)) => format!(" to {to}"),
            (None, None) => String::new(),
        };
        let from = match listing.is_own {
            true => "you".to_owned(),
            false => listing.from.to_string(),
        };
        let coming = self.incoming.values().find(|one| one.file() == *file);
        let going = self.outgoing.values().find(|one| one.file() == Some(*file));
        let state = match (coming, going) {
            (Some(incoming), _) => format!("; {}", incoming.words()),
            (None, Some(outgoing)) => format!("; {}", outgoing.far()),
            (None, None) if listing.is_own => format!("; /cancel {file} takes it back"),
            (None, None) if self.received.contains(file) => "; it is here".to_owned(),
            (None, None) => format!("; /accept {file} fetches it"),
        };
        format!("N {file}: {name} ({size}) from {from}{place}{state}")
    }
}
