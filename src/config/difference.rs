//! Changing the configuration while the server runs: what of a new one counts at once.

use super::Config;
use super::keys::{Change, KEYS, Key};

/// How a newly read configuration differs from the one in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What is different from now on: keys with their former and new values.
    pub changed: Vec<String>,
    /// What needs a restart: the same.
    pub waiting: Vec<String>,
}

impl Difference {
    /// In words, one line or several.
    pub fn words(&self) -> String {
        let mut lines = Vec::new();
        if self.changed.is_empty() {
            lines.push("configuration read; nothing changed".to_owned());
        }
        lines.extend(
            self.changed
                .iter()
                .map(|change| format!("changed: {change}")),
        );
        lines.extend(
            self.waiting
                .iter()
                .map(|change| format!("after a restart: {change}")),
        );
        lines.join("\n")
    }
}

impl Config {
    /// Puts `new` in force as far as that goes while running, and says what that comes to.
    pub fn succeed(&mut self, mut new: Self) -> Difference {
        let mut difference = Difference::default();
        for key in &KEYS {
            let (before, after) = ((key.value)(self), (key.value)(&new));
            if before != after {
                let words = format!("{} was {before}, is {after}", key.name);
                match key.change {
                    Change::Live => difference.changed.push(words),
                    Change::Restart => {
                        let words = format!("{} is {before}, becomes {after}", key.name);
                        difference.waiting.push(words);
                    }
                }
            }
        }
        new.keep_until_restart(self);
        debug_assert!(
            KEYS.iter()
                .filter(|key| key.change == Change::Restart)
                .all(|key| is_same(key, self, &new)),
            "what needs a restart stays as it was"
        );
        *self = new;
        difference
    }

    /// Takes from `running` what cannot change before a restart.
    fn keep_until_restart(&mut self, running: &Self) {
        self.sealed.clone_from(&running.sealed);
        self.line.clone_from(&running.line);
        self.metrics = running.metrics;
        self.public_name.clone_from(&running.public_name);
        self.admin_password_file
            .clone_from(&running.admin_password_file);
        self.history_days = running.history_days;
        self.history_entries = running.history_entries;
        let (bounds, running) = (&mut self.bounds, &running.bounds);
        bounds.clients = running.clients;
        bounds.room_log_bytes_min = running.room_log_bytes_min;
        bounds.room_log_bytes_max = running.room_log_bytes_max;
        bounds.logs_bytes_max = running.logs_bytes_max;
        bounds.unfinished_bytes_max = running.unfinished_bytes_max;
    }
}

fn is_same(key: &Key, one: &Config, other: &Config) -> bool {
    (key.value)(one) == (key.value)(other)
}
