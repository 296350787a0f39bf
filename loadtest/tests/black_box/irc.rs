//! The same load and ledger on a server people know: ngIRCd, where it is installed.

use crate::figures::Run;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Looks at whether the server listens: so often, so many times.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS_MAX: usize = 200;

/// As many connections as the system allows, no look-ups, and nobody is throttled.
const CONFIGURATION: &str = "[Global]\nName = irc.example.net\nInfo = load test\n\
    Listen = 127.0.0.1\nMotdPhrase = hello\nAdminInfo1 = nobody\n\
    [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxPenaltyTime = 0\n\
    [Options]\nDNS = no\nIdent = no\nPAM = no\nIncludeDir = /nonexistent\n";

/// Ends the server whatever becomes of the test.
struct Server {
    child: Child,
    configuration: PathBuf,
    port: u16,
}

impl Server {
    /// Starts it; `None`, loudly, where it is not installed.
    fn start() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Distributions put it where only root looks.
        let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        let program = folders
            .map(|folder| folder.join("ngircd"))
            .find(|found| found.is_file());
        let Some(program) = program else {
            let why = "ngircd is not installed, so the load on an IRC server is not tested";
            assert!(std::env::var_os("PARLOUR_CI").is_none(), "{why}");
            eprintln!("SKIPPED: {why}");
            return None;
        };
        // Free now, and nobody else is given it so soon.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let own = std::process::id();
        let configuration = std::env::temp_dir().join(format!("loadtest-{own}-ngircd.conf"));
        let ports = format!("[Global]\nPorts = {port}");
        let text = CONFIGURATION.replacen("[Global]", &ports, 1);
        let mut file = std::fs::File::create(&configuration).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let child = Command::new(program)
            .args(["--nodaemon", "--config"])
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            configuration,
            port,
        };
        let is_there = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        let listens = (0..LOOKS_MAX).any(|_| {
            std::thread::sleep(LOOK);
            is_there()
        });
        assert!(listens, "ngircd did not begin to listen");
        Some(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.configuration);
    }
}

/// Goal: every message reaches everybody but who said it, and the ledger agrees. Method: a count,
/// so that the numbers are known, and both loops.
#[test]
fn an_irc_server_bears_the_same_load_and_ledger() {
    let Some(server) = Server::start() else {
        return;
    };
    let address = format!("irc://127.0.0.1:{}", server.port);
    let process = server.child.id().to_string();
    for pace in [["--window", "8"], ["-R", "100"]] {
        let words = "fanout --members 40 --senders 3 -n 100 -d 60s --no-floor --against";
        let mut words: Vec<_> = words.split_whitespace().collect();
        words.extend([address.as_str(), "--server-pid", &process]);
        words.extend(pace);
        let run = Run::of(&format!("irc{}", pace[0]), &words);
        assert_eq!(run.code(), Some(0), "{}{}", run.page(), run.errors());
        assert_eq!(run.figure("connected"), 40.0);
        assert_eq!(run.figure("sent"), 100.0);
        assert_eq!(run.figure("received"), 3_900.0);
        assert_eq!(run.figure("lost"), 0.0);
        assert!(run.figure("server-resident-bytes") > 0.0);
    }
}
