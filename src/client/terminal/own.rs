//! The client's own commands, which never reach the server.

use super::Front;
use crate::client::clock::unix_seconds;
use crate::client::link::Link;
use crate::client::safe::safe_row;
use crate::client::settings::Bell;

/// What `/help` adds to the server's answer.
const HELP: &str = "the client's own commands:\n\
    /bell [off, pm or all] - what rings the bell: nothing, private messages, or your name as well\n\
    /quiet [on or off] - hides who comes and goes\n\
    /clear - clears the screen (Ctrl-L)\n\
    /send FILE [NAME or #ROOM] - offers a file, to the room you are in if you name none\n\
    /files - what is offered, and how far it is; /accept N or /accept all fetches it,\n\
    /refuse N does not want it, /cancel N gives up fetching it or takes back what you offer\n\
    keys: Tab completes names, rooms, commands and files; Up and Ctrl-R find what you typed before;\n\
    Alt-Enter begins another line of the same message; Ctrl-W, Ctrl-U and Ctrl-K cut, Ctrl-Y puts\n\
    back; Ctrl-Z pauses; Ctrl-D leaves";

/// The commands it tells of.
const OWN: [&str; 8] = [
    "bell", "quiet", "clear", "send", "files", "accept", "refuse", "cancel",
];

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The client has dealt with it.
    Client,
    /// It goes to the server.
    Server,
}

impl Front {
    /// Runs `line` if it is a command of the client's own, and notices what the server is told.
    pub(super) fn run_own(&mut self, line: &str, link: &mut Link) -> Owner {
        let mut words = line.split_whitespace();
        let command = words.next().unwrap_or_default().to_ascii_lowercase();
        let argument = words.next().unwrap_or_default();
        if let Some(owner) = self.run_about_files(&command, line, link) {
            return owner;
        }
        match command.as_str() {
            "/clear" => self.clear_screen(),
            "/bell" => self.run_bell(argument),
            "/quiet" => self.run_quiet(argument),
            "/help" | "/?" => {
                let about_own = OWN.contains(&argument.trim_matches('/'));
                if about_own || argument.is_empty() {
                    self.screen.say(HELP);
                }
                return if about_own {
                    Owner::Client
                } else {
                    Owner::Server
                };
            }
            "/away" => {
                self.screen.go_away(unix_seconds());
                return Owner::Server;
            }
            "/back" => {
                self.screen.come_back();
                return Owner::Server;
            }
            _ => {
                // Who speaks has seen what there is.
                self.screen.has_read();
                return Owner::Server;
            }
        }
        Owner::Client
    }

    /// Runs a command about files.
    fn run_about_files(&mut self, command: &str, line: &str, link: &mut Link) -> Option<Owner> {
        let rest = line.trim_start();
        let argument = rest.get(command.len()..).unwrap_or_default().trim();
        let done = match command {
            "/send" => {
                let conversation = link.session().conversation();
                let is_in = |room| conversation.room_named(room).is_some();
                let room = conversation.current_room();
                self.transfers.send(argument, room, is_in)
            }
            "/accept" => self.transfers.accept(argument),
            "/files" => {
                self.transfers.list();
                Ok(())
            }
            "/cancel" => return Some(self.transfers.cancel(argument)),
            "/refuse" => return Some(self.transfers.refuse(argument)),
            _ => return None,
        };
        if let Err(why) = done {
            self.screen.complain(&format!("Err: {}", safe_row(&why)));
        }
        Some(Owner::Client)
    }

    fn run_bell(&mut self, argument: &str) {
        match (argument, Bell::parse(argument)) {
            ("", _) => {}
            (_, Some(when)) => self.screen.set_bell(when),
            (_, None) => {
                return self
                    .screen
                    .complain("Err: write /bell off, /bell pm or /bell all");
            }
        }
        self.screen.say(match self.screen.bell_when() {
            Bell::Off => "the bell is off; /bell pm or /bell all turns it on",
            Bell::Pm => "private messages ring the bell; /bell off or /bell all changes it",
            Bell::All => {
                "private messages and your name ring the bell; /bell off or /bell pm changes it"
            }
        });
    }

    fn run_quiet(&mut self, argument: &str) {
        let is_quiet = match argument {
            "" => !self.screen.is_quiet(),
            "on" => true,
            "off" => false,
            _ => {
                return self
                    .screen
                    .complain("Err: write /quiet, /quiet on or /quiet off");
            }
        };
        self.screen.set_quiet(is_quiet);
        self.screen.say(match is_quiet {
            true => "who comes and goes is not shown; /quiet off shows it again",
            false => "who comes and goes is shown",
        });
    }
}
