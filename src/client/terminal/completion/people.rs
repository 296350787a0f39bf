//! People: whose names the client has heard, and who was active when.

use std::collections::BTreeMap;

use crate::chat::Name;
use crate::limits::CLIENT_PEOPLE_MAX;

/// Who was met. Who spoke comes before who was only seen, whoever did so last before all others.
#[derive(Default)]
pub struct People {
    /// By the name in lower case, which is what makes it the same.
    met: BTreeMap<String, Person>,
    /// Rises with everything that is heard.
    tick: u64,
}

struct Person {
    name: Name,
    /// When they last spoke, and when they were last seen; 0 for never.
    activity: (u64, u64),
}

impl People {
    /// Somebody said something.
    pub fn spoke(&mut self, name: Name) {
        self.tick += 1;
        let tick = self.tick;
        self.met(name).activity.0 = tick;
    }

    /// Somebody is there.
    pub fn seen(&mut self, name: Name) {
        self.tick += 1;
        let tick = self.tick;
        self.met(name).activity.1 = tick;
    }

    /// Somebody has another name now.
    pub fn renamed(&mut self, before: Name, after: Name) {
        let person = self.met.remove(&key(before));
        let activity = person.map_or((0, 0), |person| person.activity);
        self.met(after).activity = activity;
    }

    /// Forgets a name, because it is one's own.
    pub fn forget(&mut self, name: Name) {
        self.met.remove(&key(name));
    }

    /// Takes the names out of what the server says of who is there.
    ///
    /// Its words are for people, so what is not understood is passed over.
    pub fn listed(&mut self, notice: &str) {
        let names = match notice.split_once(": ") {
            Some((head, names)) if head.starts_with("names ") => names,
            Some((head, names)) if head.starts_with("You are ") && head.contains(" with ") => {
                names.split(". ").next().unwrap_or_default()
            }
            Some(_) | None => return,
        };
        for word in names.split([' ', ',']) {
            let word = word.trim_start_matches('@').trim_end_matches("(plain)");
            // "and 12 more" ends such a list.
            if word == "and" {
                return;
            }
            if let Ok(name) = Name::parse(word) {
                self.seen(name);
            }
        }
    }

    /// Whose name begins so in any case, the most active first.
    pub fn beginning_with(&self, begun: &str) -> impl Iterator<Item = Name> {
        let begun = begun.to_ascii_lowercase();
        let mut fits: Vec<_> = self
            .met
            .range(begun.clone()..)
            .take_while(|(name, _)| name.starts_with(&begun))
            .map(|(_, person)| person)
            .collect();
        fits.sort_by_key(|person| std::cmp::Reverse(person.activity));
        fits.into_iter().map(|person| person.name)
    }

    fn met(&mut self, name: Name) -> &mut Person {
        let key = key(name);
        if self.met.len() >= CLIENT_PEOPLE_MAX && !self.met.contains_key(&key) {
            let idle = self.met.iter().min_by_key(|(_, person)| person.activity);
            if let Some(idle) = idle.map(|(key, _)| key.clone()) {
                self.met.remove(&idle);
            }
        }
        let activity = (0, 0);
        let person = self.met.entry(key).or_insert(Person { name, activity });
        person.name = name;
        person
    }
}

fn key(name: Name) -> String {
    name.as_str().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn all(people: &People) -> Vec<String> {
        let names = people.beginning_with("");
        names.map(|name| name.as_str().to_owned()).collect()
    }

    #[test]
    fn lists_of_the_server_make_names_known() {
        let mut people = People::default();
        people.listed("You are alice (guest), in #lobby with 12 others: bob, carol, and 10 more. /help lists the commands.");
        assert_eq!(all(&people), ["carol", "bob"]);
        people.listed("names #lobby: @dave erin(plain)");
        people.listed("anything: else");
        assert_eq!(all(&people), ["erin", "dave", "carol", "bob"]);
        people.spoke(name("Bob"));
        assert_eq!(all(&people)[0], "Bob");
        people.renamed(name("bob"), name("rob"));
        people.forget(name("dave"));
        assert_eq!(all(&people), ["rob", "erin", "carol"]);
    }

    #[test]
    fn a_crowd_does_not_push_out_who_speaks() {
        let mut people = People::default();
        people.spoke(name("alice"));
        for number in 0..2 * CLIENT_PEOPLE_MAX {
            people.seen(name(&format!("n{number}")));
        }
        assert_eq!(people.met.len(), CLIENT_PEOPLE_MAX);
        assert_eq!(all(&people)[0], "alice");
    }
}
