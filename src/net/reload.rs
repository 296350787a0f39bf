//! Reloading: the configuration is read again while everybody stays.

use super::server::Server;
use super::settings::{delays, settings};
use crate::chat::{Kept, Now};

impl Server {
    /// Reads the configuration again, puts in force what can be, and says what came of it. A
    /// configuration with a mistake changes nothing.
    pub(super) fn reload(&mut self, now: Now) -> String {
        super::service::reloading();
        let (level, words) = match self.config.sources.read() {
            Err(mistake) => (
                log::Level::Warn,
                format!("not reloaded, nothing changed: {mistake}"),
            ),
            Ok(new) => {
                let difference = self.config.succeed(new);
                self.configure();
                (log::Level::Info, difference.words())
            }
        };
        for line in words.lines() {
            log::log!(level, "reload: {line}");
        }
        self.record(&format!("reload: {words}"), now);
        super::service::ready();
        words
    }

    /// Tells everybody who keeps a copy of what may have changed.
    fn configure(&mut self) {
        let config = &self.config;
        self.admission.configure(&config.bounds);
        let monotonic = self.clock.elapsed();
        self.deadlines.configure(delays(&config.bounds), monotonic);
        // How long what is said is kept stays as it is, whatever is said here.
        self.chat.configure(settings(config, Kept::InMemory));
        let (bytes, files) = (config.activity_log_bytes, config.activity_log_files);
        if !self.operators.activity.configure(bytes, files) {
            log::warn!("reload: the activity log is busy and keeps its former size");
        }
    }
}
