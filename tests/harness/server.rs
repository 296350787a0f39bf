//! A server of one's own: its ports chosen by the system, its folder thrown away.

use super::{Conversation, DEADLINE, Home, Program, tools};
use rustix::process::Signal;
use socket2::{Domain, Socket, Type};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A running server, killed when dropped.
pub(crate) struct Server {
    program: Program,
    ready: BTreeMap<String, String>,
    _folder: TempDir,
}

/// How a server is to be started.
pub(crate) struct Setup<'a> {
    /// The text of its configuration file.
    pub(crate) config: &'a str,
    /// Flags after the usual ones, which they override.
    pub(crate) flags: &'a [&'a str],
    /// Its data folder; without one it is ephemeral.
    pub(crate) data: Option<&'a Path>,
    /// Where its sealed door is.
    pub(crate) sealed: &'a str,
    /// Where its line door is.
    pub(crate) line: &'a str,
    /// How much it is to say of itself.
    pub(crate) log: Option<&'a str>,
    /// What it finds in its environment.
    pub(crate) environment: &'a [(&'a str, &'a Path)],
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            config: "",
            flags: &[],
            data: None,
            sealed: "127.0.0.1:0",
            line: "127.0.0.1:0",
            log: None,
            environment: &[],
        }
    }
}

impl Setup<'_> {
    /// The command that starts such a server, with its files in `folder`.
    pub(crate) fn command(&self, folder: &Path) -> Command {
        let mut command = bare_command(folder);
        command.args(["--sealed", self.sealed, "--line", self.line]);
        // Without one here, a data folder's own counts.
        if self.data.is_none() || !self.config.is_empty() {
            let config = folder.join("test.toml");
            std::fs::write(&config, self.config).unwrap();
            command.arg("--config").arg(config);
        }
        match self.data {
            Some(data) => command.arg("--data").arg(data),
            None => command.arg("--ephemeral"),
        };
        command.args(self.flags);
        command.envs(self.log.map(|log| ("RUST_LOG", log)));
        command.envs(self.environment.iter().copied());
        command
    }
}

/// The server's program with nothing of this user's surroundings, so that no test meets another
/// or a real data folder.
pub(crate) fn bare_command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlourd"));
    command
        .env_clear()
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder)
        .env("RUST_BACKTRACE", "1")
        .current_dir(folder);
    command
}

impl Server {
    /// Starts an ephemeral server with the defaults.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::launch(&Setup::default())
    }

    /// Starts an ephemeral server with this configuration file.
    #[track_caller]
    pub(crate) fn with_config(config: &str) -> Self {
        Self::launch(&Setup {
            config,
            ..Setup::default()
        })
    }

    /// Starts a server and waits until it can be connected to.
    #[track_caller]
    pub(crate) fn launch(setup: &Setup<'_>) -> Self {
        tools::raise_open_files_limit();
        let folder = tempfile::tempdir().unwrap();
        let mut program = Program::start("parlourd", &mut setup.command(folder.path()));
        let ready = program.find("ready {}");
        let words = ready.split(' ').skip(1);
        let ready = words
            .map(|word| word.split_once('=').expect("words are key=value"))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Self {
            program,
            ready,
            _folder: folder,
        }
    }

    /// A word of the ready line.
    #[track_caller]
    pub(crate) fn ready(&self, key: &str) -> &str {
        let value = self.ready.get(key);
        value.unwrap_or_else(|| panic!("no {key} in {:?}", self.ready))
    }

    /// Where the line door is.
    #[track_caller]
    pub(crate) fn line(&self) -> SocketAddr {
        first_address(self.ready("line"))
    }

    /// Where the sealed door is.
    #[track_caller]
    pub(crate) fn sealed(&self) -> SocketAddr {
        first_address(self.ready("sealed"))
    }

    /// Connects to the line door and says nothing yet.
    #[track_caller]
    pub(crate) fn connect(&self, who: &str) -> Conversation {
        Conversation::connect(who, self.line())
    }

    /// The same, from the loopback address that ends in `last`.
    #[track_caller]
    pub(crate) fn connect_from(&self, last: u8, who: &str) -> Conversation {
        let own = Ipv4Addr::new(127, 0, 0, last);
        Conversation::over(who, stream_from(own.into(), self.line()))
    }

    /// Connects to the line door, takes the name `who` and reads up to the greeting.
    #[track_caller]
    pub(crate) fn enter(&self, who: &str) -> Conversation {
        let mut guest = self.connect(who);
        guest.send(format!("{who}\n"));
        guest.find("-> You are {}");
        guest
    }

    /// Lets several enter, each seeing the later ones arrive.
    #[track_caller]
    pub(crate) fn enter_all<const COUNT: usize>(
        &self,
        who: [&str; COUNT],
    ) -> [Conversation; COUNT] {
        let mut guests = who.map(|who| self.enter(who));
        for (index, guest) in guests.iter_mut().enumerate() {
            for later in &who[index + 1..] {
                guest.expect(&format!(" * #lobby: {later} joined ({{}} here)"));
            }
        }
        guests
    }

    /// Starts the bundled client in `home`, under the full address, and waits until it is in, as
    /// `witness` sees it.
    #[track_caller]
    pub(crate) fn client(&self, home: &Home, who: &str, witness: &mut Conversation) -> Program {
        let client = home.start(&["--name", who, self.ready("address")]);
        witness.find(&format!(" * #lobby: {who} joined ({{}} here)"));
        client
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        self.program.signal(Signal::TERM);
    }

    /// Tells it to read its configuration again, as a service manager does.
    pub(crate) fn hang_up(&self) {
        self.program.signal(Signal::HUP);
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    /// Asks it to stop as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        self.program.signal(Signal::INT);
    }

    /// Waits for it to end by itself.
    #[track_caller]
    pub(crate) fn exit_code(&mut self) -> i32 {
        self.program.exit_code()
    }

    /// What it wrote to standard error.
    pub(crate) fn errors(&self) -> String {
        self.program.errors()
    }
}

fn first_address(list: &str) -> SocketAddr {
    let first = list.split(',').next().unwrap();
    first
        .parse()
        .unwrap_or_else(|_| panic!("no address: {first:?}"))
}

/// A connection to `address` from an address of this machine.
#[track_caller]
pub(crate) fn stream_from(own: IpAddr, address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(own, 0).into()).unwrap();
    socket.connect_timeout(&address.into(), DEADLINE).unwrap();
    socket.into()
}
