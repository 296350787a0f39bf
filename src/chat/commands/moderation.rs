//! Removing, silencing and keeping out, and undoing that.
//!
//! Whoever is meant is found by name: somebody who is here, an account that is not, or a guest that
//! the room still remembers. What is decided is recorded with who decided it and why, and a former
//! measure of the same kind against the same person ends with it.

use super::super::changes::Then;
use super::super::name::{Name, RoomName};
use super::super::people::{Person, PersonId};
use super::super::refusal::Refusal;
use super::super::roles::Rank;
use super::super::sanctions::{culprit_of, culprit_of_account, network};
use super::super::seats::Seat;
use super::super::span::{Ago, Left};
use super::super::{
    Change, Chat, Close, Culprit, Deed, Duration, Effect, Effects, Event, Measure, Parting, Place,
    RoomId, SanctionId, SanctionRecord,
};
use super::answers::Page;
use super::{Answer, Asker, reason, room_name};
use std::net::IpAddr;
use std::sync::Arc;

/// What is done to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order<'a> {
    pub(super) measure: Measure,
    pub(super) place: Place<'a>,
    pub(super) name: &'a str,
    pub(super) duration: Option<Duration>,
    pub(super) why: Option<&'a str>,
}

/// Where something holds: in a room, or on the whole server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site(pub(super) Option<(RoomId, RoomName)>);

/// Who is meant.
#[derive(Clone, Debug)]
struct Target {
    name: Name,
    /// Its sessions, should there be any.
    sessions: Vec<PersonId>,
    culprit: Culprit,
    rank: Rank,
}

impl Site {
    pub(super) fn room(self) -> Option<RoomId> {
        self.0.map(|(room, _)| room)
    }

    pub(super) fn name(self) -> Option<RoomName> {
        self.0.map(|(_, name)| name)
    }
}

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some((_, name)) => write!(f, "{name}"),
            None => f.write_str("this server"),
        }
    }
}

impl Chat {
    /// The place that is meant; the asker has at least that rank there.
    ///
    /// # Errors
    ///
    /// That there is none, or what the asker would have to be.
    pub(super) fn site(
        &self,
        asker: Asker,
        place: Place<'_>,
        least: Rank,
    ) -> Result<Site, Refusal> {
        let room = match place {
            Place::Server if self.is_admin(asker.id) => return Ok(Site(None)),
            Place::Server => return Err(Refusal::NotAdmin),
            Place::Room(None) => self.own_room(asker, None)?,
            Place::Room(Some(name)) => {
                let name = room_name(name)?;
                let named = self.rooms.named(name);
                named.ok_or(Refusal::NoSuchRoom(name))?.0
            }
        };
        let name = self.rooms.get(room).ok_or(Refusal::InNoRoom)?.name;
        if self.rank(asker.id, Some(room)) >= least {
            return Ok(Site(Some((room, name))));
        }
        Err(match least {
            Rank::Other | Rank::Moderator => Refusal::NotModerator(name),
            Rank::Owner => Refusal::NotOwner(name),
            Rank::Admin => Refusal::NotAdmin,
        })
    }

    /// Removes, silences or keeps out.
    pub(super) fn sanction(
        &mut self,
        asker: Asker,
        order: &Order<'_>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let site = self.site(asker, order.place, Rank::Moderator)?;
        let target = self.target(site, order.name)?;
        self.check_may_act(asker, site, &target)?;
        let here = self.sessions_at(site, &target);
        if order.measure == Measure::Kick && here.is_empty() {
            return Err(Refusal::NoSuchPerson(target.name));
        }
        let record = self.drawn_up(asker, site, order, &target)?;
        self.enact(&record, site, &here, effects);
        let deed = Deed::Sanctioned {
            measure: record.measure,
            room: site.name(),
            name: target.name,
            why: record.why.clone(),
            duration: order.duration,
        };
        self.record(Some(asker.client), Some(record.by), deed, effects);
        let done = match record.measure {
            Measure::Kick => None,
            Measure::Mute => Some("is muted in"),
            Measure::Ban => Some("is banned from"),
        };
        let words = done.map(|done| {
            let length = Length(order.duration);
            format!("{} {done} {site}{length}", target.name).into()
        });
        let then = asker.told(words);
        if record.measure != Measure::Kick {
            self.replace(&record, effects);
            self.sanctions.impose(record.clone());
        }
        self.change(Change::PutSanction(record), then, effects);
        Ok(Answer::Elsewhere)
    }

    /// Who is called that: somebody here, an account, or a guest that was in the room.
    fn target(&self, site: Site, text: &str) -> Result<Target, Refusal> {
        let name = Name::parse(text).map_err(Refusal::BadName)?;
        let room = site.room();
        let sessions = self.sessions_named(name);
        let first = sessions.first().and_then(|id| self.people.get(*id));
        if let Some(person) = first {
            let ranks = sessions.iter().map(|id| self.rank(*id, room));
            return Ok(Target {
                name: person.name,
                culprit: culprit_of(person),
                rank: ranks.max().unwrap_or(Rank::Other),
                sessions,
            });
        }
        if let Some(account) = self.accounts.named(name) {
            return Ok(Target {
                name: account.name,
                sessions,
                culprit: culprit_of_account(account.name, account.id),
                rank: self.rank_of_account(account.id, room),
            });
        }
        let recent = self.recent_guest(room, name);
        let culprit = recent.ok_or(Refusal::NoSuchPerson(name))?;
        Ok(Target {
            name: culprit.name,
            sessions,
            culprit,
            rank: Rank::Other,
        })
    }

    /// The guest of that name that left a room last; any room when the whole server is meant.
    fn recent_guest(&self, room: Option<RoomId>, name: Name) -> Option<Culprit> {
        let rooms = self.rooms.by_name();
        let mut rooms = rooms.filter(|(id, _)| room.is_none_or(|room| room == *id));
        rooms.find_map(|(_, state)| {
            let recent = state.recent.iter().rev();
            recent.copied().find(|guest| guest.name == name)
        })
    }

    /// Whether somebody may act against somebody else.
    fn check_may_act(&self, asker: Asker, site: Site, target: &Target) -> Result<(), Refusal> {
        let own = self.people.get(asker.id).and_then(Person::account);
        let is_own = own.is_some() && own == target.culprit.account;
        if is_own || target.sessions.contains(&asker.id) {
            return Err(Refusal::Oneself);
        }
        if target.rank >= self.rank(asker.id, site.room()) {
            return Err(Refusal::Outranked(target.name));
        }
        Ok(())
    }

    /// Those sessions of somebody that are in a place.
    fn sessions_at(&self, site: Site, target: &Target) -> Vec<PersonId> {
        let is_there = |id: &PersonId| {
            let room = site.room();
            room.is_none_or(|room| {
                let state = self.rooms.get(room);
                state.is_some_and(|state| state.members.contains_key(id))
            })
        };
        target.sessions.iter().copied().filter(is_there).collect()
    }

    /// The record of a measure.
    fn drawn_up(
        &mut self,
        asker: Asker,
        site: Site,
        order: &Order<'_>,
        target: &Target,
    ) -> Result<SanctionRecord, Refusal> {
        let person = self.people.get(asker.id).ok_or(Refusal::NameNeeded)?;
        let (by, own) = (person.name, network(person.source));
        let now = self.now.unix_ms;
        let mut culprit = target.culprit;
        // Only a ban hits a whole network, and never that of this machine or of who decides it.
        let is_meant = |source: &IpAddr| !source.is_loopback() && *source != own;
        culprit.source = culprit
            .source
            .filter(|source| order.measure == Measure::Ban && is_meant(source));
        let length = order.duration.map(|duration| {
            let length = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            now.saturating_add(length)
        });
        if order.measure != Measure::Kick {
            self.sanctions.check_place(site.room(), now)?;
        }
        Ok(SanctionRecord {
            id: self.sanctions.take_id(),
            measure: order.measure,
            room: site.room(),
            culprit,
            by,
            why: order.why.and_then(reason),
            since_unix_ms: now,
            until_unix_ms: match order.measure {
                Measure::Kick => Some(now),
                Measure::Mute | Measure::Ban => length,
            },
            lifted: None,
        })
    }

    /// Does what a measure says to those who are there.
    fn enact(
        &mut self,
        record: &SanctionRecord,
        site: Site,
        here: &[PersonId],
        effects: &mut Effects,
    ) {
        let left = self.time_left(record);
        let (by, why) = (record.by, Why(record.why.as_ref()));
        let length = Length(left);
        let words: Arc<str> = match record.measure {
            Measure::Kick => format!("you were kicked from {site} by {by}{why}"),
            Measure::Mute => format!("you were muted in {site} by {by}{length}{why}"),
            Measure::Ban => format!("you were banned from {site} by {by}{length}{why}"),
        }
        .into();
        for id in here {
            match (record.measure, site.room()) {
                (Measure::Mute, _) => self.tell_person(*id, words.clone(), effects),
                (Measure::Kick | Measure::Ban, Some(room)) => {
                    self.kick(*id, room, by, record.why.clone(), effects);
                    self.tell_out(*id, room, words.clone(), effects);
                }
                (Measure::Kick | Measure::Ban, None) => {
                    self.remove_from_server(*id, record, words.clone(), effects);
                }
            }
        }
    }

    /// Ends a session and closes its connection: all rooms it is in see why.
    fn remove_from_server(
        &mut self,
        id: PersonId,
        record: &SanctionRecord,
        words: Arc<str>,
        effects: &mut Effects,
    ) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let rooms = person.rooms.to_vec();
        for room in rooms {
            self.kick(id, room, record.by, record.why.clone(), effects);
        }
        self.end_session(id, words, effects);
    }

    /// Ends a session and closes its connection, which is told why.
    pub(super) fn end_session(&mut self, id: PersonId, words: Arc<str>, effects: &mut Effects) {
        if let Some(client) = self.people.get(id).and_then(|person| person.client) {
            let bye = Some(Event::Bye(Some(words)));
            effects.push_back(Effect::Finish(client, bye, Close::Removed));
            self.seats.replace(client, Seat::Deaf(Box::default()));
        }
        self.end(id, Parting::Left, true, effects);
    }

    fn tell_person(&self, id: PersonId, words: Arc<str>, effects: &mut Effects) {
        if let Some(client) = self.people.get(id).and_then(|person| person.client) {
            Self::notice(client, words, effects);
        }
    }

    /// Ends former measures of the same kind against the same person in the same place.
    fn replace(&mut self, record: &SanctionRecord, effects: &mut Effects) {
        let (new, room) = (record.culprit, record.room);
        let is_same = |old: &Culprit| {
            let is_account = old.account.is_some() && old.account == new.account;
            is_account || old.session.is_some() && old.session == new.session
        };
        let in_place = self.sanctions.in_place(room);
        let former = in_place.filter(|old| old.measure == record.measure && is_same(&old.culprit));
        let former: Vec<SanctionId> = former.map(|old| old.id).collect();
        for id in former {
            self.undo(id, record.by, Then::Nothing, effects);
        }
    }

    fn undo(&mut self, id: SanctionId, by: Name, then: Then, effects: &mut Effects) {
        if let Some(mut record) = self.sanctions.remove(id) {
            record.lifted = Some((by, self.now.unix_ms));
            self.change(Change::PutSanction(record), then, effects);
        }
    }

    /// Undoes a mute or a ban.
    pub(super) fn lift(
        &mut self,
        asker: Asker,
        measure: Measure,
        place: Place<'_>,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let site = self.site(asker, place, Rank::Moderator)?;
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        self.sanctions.purge(self.now.unix_ms);
        // An account may be called otherwise by now.
        let account = self.accounts.named(name).map(|account| account.id);
        let is_meant = |culprit: &Culprit| {
            culprit.name == name || account.is_some() && culprit.account == account
        };
        let in_place = self.sanctions.in_place(site.room());
        let meant = in_place.filter(|of| of.measure == measure && is_meant(&of.culprit));
        let mut ids: Vec<SanctionId> = meant.map(|record| record.id).collect();
        let last = ids.pop().ok_or(Refusal::NothingToLift(name))?;
        let by = self.name_of(asker)?;
        let deed = Deed::Lifted {
            measure,
            room: site.name(),
            name,
        };
        self.record(Some(asker.client), Some(by), deed, effects);
        if measure == Measure::Mute {
            let words: Arc<str> = format!("you may speak in {site} again").into();
            for id in self.sessions_named(name) {
                self.tell_person(id, words.clone(), effects);
            }
        }
        for id in ids {
            self.undo(id, by, Then::Nothing, effects);
        }
        let done = match measure {
            Measure::Mute => format!("{name} may speak in {site} again"),
            Measure::Kick | Measure::Ban => format!("{name} is not banned from {site} any more"),
        };
        self.undo(last, by, asker.told(Some(done.into())), effects);
        Ok(Answer::Elsewhere)
    }

    /// Lists the mutes and bans of a place.
    pub(super) fn bans(
        &mut self,
        asker: Asker,
        place: Place<'_>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let site = self.site(asker, place, Rank::Moderator)?;
        self.sanctions.purge(self.now.unix_ms);
        let mut page = Page::default();
        let count = self.sanctions.in_place(site.room()).count();
        for (index, record) in self.sanctions.in_place(site.room()).enumerate() {
            if !page.add(&self.sanction_in_words(record)) {
                page.end_with(&format!("and {} more", count - index));
                break;
            }
        }
        if count == 0 {
            page.add(&format!("nobody is banned or muted in {site}"));
        }
        Self::notice(asker.client, page.into_text(), effects);
        Ok(Answer::Done)
    }

    /// Who, what, by whom, since when, for how long, why.
    fn sanction_in_words(&self, record: &SanctionRecord) -> String {
        let done = match record.measure {
            Measure::Kick => "kicked",
            Measure::Mute => "muted",
            Measure::Ban => "banned",
        };
        let since = self.now.unix_ms.saturating_sub(record.since_unix_ms);
        let since = Ago(Duration::from_millis(since));
        let left = match self.time_left(record) {
            Some(left) => format!("for another {}", Left(left)),
            None => "for good".to_owned(),
        };
        let (name, by) = (record.culprit.name, record.by);
        let why = Why(record.why.as_ref());
        format!("{name}: {done} by {by} {since} ago, {left}{why}")
    }
}

/// For how long, with a space before; nothing when for good.
struct Length(Option<Duration>);

/// A reason in parentheses with a space before; nothing when there is none.
struct Why<'a>(Option<&'a Arc<str>>);

impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .map_or(Ok(()), |length| write!(f, " for {}", Ago(length)))
    }
}

impl std::fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |why| write!(f, " ({why})"))
    }
}
