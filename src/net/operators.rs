//! Operators: the metrics door, the control socket, the activity log, and what administrators ask
//! of the shell.

use super::activity::{ActivityLog, Asker};
use super::metrics;
use super::server::Server;
use super::side_door::{SideDoor, VisitId};
use super::turns::Turns;
use crate::chat::{
    Activity, Deed, Event, Input, MessageKey, Now, Operation, PasswordHash, RequestId,
};
use crate::config::{Config, Mistake};
use crate::control::{Request, answer};
use crate::limits::{CONTROL_REQUEST_BYTES_MAX, METRICS_REQUEST_BYTES_MAX};
use mio::net::TcpListener;
use mio::{Registry, Waker};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Tokens below those of the listeners and above all slots.
const METRICS: usize = usize::MAX - 0x1_0000;
#[cfg(unix)]
const CONTROL: usize = usize::MAX - 0x2_0000;

/// What the server itself asks of the chat at the first start; no visit has this number.
const OWN_REQUEST: RequestId = RequestId(0);

/// The name of the first administrator.
const ADMIN: &str = "admin";

/// Everything that is there for operators.
pub(super) struct Operators {
    /// How long the loop's turns take.
    pub(super) turns: Turns,
    /// The activity log.
    pub(super) activity: ActivityLog,
    metrics: Option<SideDoor<TcpListener>>,
    #[cfg(unix)]
    control: Option<Control>,
}

/// The control socket; its file goes with it.
#[cfg(unix)]
struct Control {
    door: SideDoor<mio::net::UnixListener>,
    folder: std::path::PathBuf,
}

#[cfg(unix)]
impl Drop for Control {
    fn drop(&mut self) {
        crate::control::remove(&self.folder);
    }
}

impl Operators {
    /// Opens the doors and the log as `config` says. The data folder must be this server's alone.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] in words that say what to do.
    pub(super) fn start(
        config: &Config,
        registry: &Registry,
        waker: Arc<Waker>,
    ) -> Result<Self, Mistake> {
        let folder = config.data.as_deref().filter(|_| !config.ephemeral);
        let activity = match folder {
            None => ActivityLog::none(),
            Some(folder) => {
                let (bytes, files) = (config.activity_log_bytes, config.activity_log_files);
                ActivityLog::start(folder, bytes, files, waker).map_err(|error| {
                    Mistake(format!(
                        "cannot write the activity log in {}: {error}",
                        folder.display()
                    ))
                })?
            }
        };
        Ok(Self {
            turns: Turns::new(),
            activity,
            metrics: config
                .metrics
                .map(|address| open_metrics(address, registry))
                .transpose()?,
            #[cfg(unix)]
            control: folder
                .map(|folder| open_control(folder, registry))
                .transpose()?,
        })
    }

    /// Where figures are given, if anywhere.
    pub(super) fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.gate().local_addr().ok()
    }

    /// Notes what the kernel says of a token; whether it is one of ours.
    pub(super) fn note(&mut self, token: usize) -> bool {
        let is_metrics = self.metrics.as_mut().is_some_and(|door| door.note(token));
        #[cfg(unix)]
        if let Some(control) = &mut self.control {
            return is_metrics || control.door.note(token);
        }
        is_metrics
    }

    /// When somebody is to be closed for taking too long.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let metrics = self.metrics.as_ref().and_then(SideDoor::next_deadline);
        #[cfg(unix)]
        let control = self.control.as_ref().and_then(|c| c.door.next_deadline());
        #[cfg(not(unix))]
        let control = None;
        metrics.into_iter().chain(control).min()
    }

    /// Whether there is something to do without an event.
    pub(super) fn has_work(&self) -> bool {
        let metrics = self.metrics.as_ref().is_some_and(SideDoor::has_work);
        #[cfg(unix)]
        let control = self.control.as_ref().is_some_and(|c| c.door.has_work());
        #[cfg(not(unix))]
        let control = false;
        metrics || control
    }

    fn answer_control(&mut self, visit: VisitId, outcome: Result<&str, &str>) {
        #[cfg(unix)]
        if let Some(control) = &mut self.control {
            control.door.answer(visit, answer(outcome).into_bytes());
        }
    }
}

fn open_metrics(
    address: SocketAddr,
    registry: &Registry,
) -> Result<SideDoor<TcpListener>, Mistake> {
    let max = METRICS_REQUEST_BYTES_MAX;
    TcpListener::bind(address)
        .and_then(|gate| SideDoor::new(gate, METRICS, registry, max, metrics::is_whole))
        .map_err(|error| {
            Mistake(format!(
                "cannot listen on {address}: {error}; choose another address with --metrics \
                 ADDRESS, or --metrics off"
            ))
        })
}

#[cfg(unix)]
fn open_control(folder: &std::path::Path, registry: &Registry) -> Result<Control, Mistake> {
    let is_whole = |request: &[u8]| request.ends_with(b"\n");
    let opened = crate::control::bind(folder).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let gate = mio::net::UnixListener::from_std(listener);
        SideDoor::new(gate, CONTROL, registry, CONTROL_REQUEST_BYTES_MAX, is_whole)
    });
    let opened = opened.map_err(|error| {
        Mistake(format!(
            "cannot make the control socket in {}: {error}",
            folder.display()
        ))
    })?;
    Ok(Control {
        door: opened,
        folder: folder.to_owned(),
    })
}

impl Server {
    /// Serves the side doors, and passes on what the activity log's thread has found.
    pub(super) fn answer_operators(&mut self, now: Now) {
        let registry = self.poll.registry();
        let mut asked = Vec::new();
        if let Some(door) = &mut self.operators.metrics {
            door.serve(registry, now.monotonic, &mut asked);
        }
        for (visit, request) in asked {
            let asked = metrics::understand(&request);
            let figures = (asked == metrics::Asked::Figures).then(|| self.metrics_page());
            let answer = metrics::answer(asked, figures.as_deref());
            if let Some(door) = &mut self.operators.metrics {
                door.answer(visit, answer);
            }
        }
        #[cfg(unix)]
        self.answer_control_socket(now);
        while let Some(((client, key), shown)) = self.operators.activity.next_answer() {
            self.tell((client, key), &shown);
        }
    }

    #[cfg(unix)]
    fn answer_control_socket(&mut self, now: Now) {
        let mut asked = Vec::new();
        if let Some(control) = &mut self.operators.control {
            let registry = self.poll.registry();
            control.door.serve(registry, now.monotonic, &mut asked);
        }
        for (visit, request) in asked {
            match Request::parse(&request) {
                Ok(request) => self.administer(RequestId(visit.0), &request, now),
                Err(no_request) => {
                    let why = no_request.to_string();
                    self.operators.answer_control(visit, Err(&why));
                }
            }
        }
    }

    fn administer(&mut self, id: RequestId, request: &Request, now: Now) {
        let input = Input::Administer(id, request.administer());
        let _ = self.chat.apply(now, input, &mut self.effects);
        self.carry_out(now);
    }

    /// Whether no account could administer the server, as at the first start.
    pub fn lacks_admin(&self) -> bool {
        self.chat.lacks_admin()
    }

    /// Makes the first administrator, with a password that is hashed already. To be called when
    /// [`Self::lacks_admin`].
    pub fn make_admin(&mut self, hash: PasswordHash) {
        let now = self.clock.now();
        let name = ADMIN.to_owned();
        let requests = [
            Request::SetPassword {
                name: name.clone(),
                hash,
            },
            Request::Grant {
                name,
                is_given: true,
            },
        ];
        for request in requests {
            self.administer(OWN_REQUEST, &request, now);
        }
    }

    /// Passes the chat's answer on to who asked over the control socket.
    pub(super) fn administered(&mut self, id: RequestId, outcome: Result<Arc<str>, Arc<str>>) {
        match (id, &outcome) {
            (OWN_REQUEST, Ok(done)) => log::info!("first start: {done}"),
            (OWN_REQUEST, Err(why)) => log::error!("first start: no account {ADMIN}: {why}"),
            (RequestId(visit), _) => {
                let outcome = outcome.as_deref().map_err(|why| &**why);
                self.operators.answer_control(VisitId(visit), outcome);
            }
        }
    }

    /// Does what an administrator asked for that only the shell can do.
    pub(super) fn operate(&mut self, operation: Operation, now: Now) {
        match operation {
            Operation::Stats(client, key) => {
                let words = self.stats_words();
                self.tell((client, key), &words);
            }
            Operation::Reload(client, key) => {
                let words = self.reload(now);
                self.tell((client, key), &words);
            }
            Operation::Log(client, key, name) => {
                if let Err(why) = self.operators.activity.show((client, key), name) {
                    self.tell((client, key), why);
                }
            }
            Operation::Shutdown(why) => self.begin_to_stop(why, now),
        }
    }

    fn tell(&mut self, (client, key): Asker, words: &str) {
        self.fanout.reply(client, &Event::Notice(words.into()));
        if let Some(key) = key {
            self.acknowledge(client, key);
        }
    }

    fn acknowledge(&mut self, client: crate::chat::ClientId, key: MessageKey) {
        self.fanout.reply(client, &Event::Done(key));
    }

    /// Notes in the activity log what happens to the server itself.
    pub(super) fn record(&mut self, what: &str, now: Now) {
        self.operators.activity.record(Activity {
            unix_ms: now.unix_ms,
            client: None,
            who: None,
            deed: Deed::Server { what: what.into() },
        });
    }
}
