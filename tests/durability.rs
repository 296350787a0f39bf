//! What was acknowledged is there, whatever happens to the server: kill -9 under load.
//!
//! The ledger is the clients' own. Each writer is the bundled client in a pipe, whose trace says
//! what it sent and what was acknowledged; what it sent and was not, it sends again when the server
//! is back. Nobody knows at which instruction the server dies.

use crate::harness::server::Setup;
use crate::harness::{Home, Program, Proxy, Server, clock};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How many kills there are by default; `PARLOUR_KILLS` says otherwise.
const KILLS: usize = 5;
/// Who writes. The first two have accounts.
const WRITERS: [&str; 4] = ["ann", "bob", "cleo", "dan"];
const ACCOUNTS: usize = 2;
/// Between two messages of one writer.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a client goes on trying, and so the longest it waits: without a bound, waits become long
/// when a server dies again and again.
const RETRY: &str = "20s";

/// What a writer knows of its messages.
#[derive(Default)]
struct Ledger {
    /// By the number it gave: the text.
    sent: BTreeMap<u64, String>,
    /// How often each text was acknowledged.
    acknowledged: BTreeMap<String, u32>,
    /// How often a text went out once more.
    again: u64,
    /// Sessions that were gone on with, and that began anew.
    resumed: u64,
    begun: u64,
    /// What was neither sent nor acknowledged, as the client said.
    complaints: Vec<String>,
}

impl Ledger {
    /// Takes a line of the trace.
    fn note(&mut self, line: &str) {
        let number = |rest: &str| -> u64 { rest.split(')').next().unwrap().parse().unwrap() };
        if let Some(rest) = line.strip_prefix("> Say { key: MessageKey(") {
            let text = rest.split("text: \"").nth(1).unwrap();
            let text = text.split('"').next().unwrap().to_owned();
            self.again += u64::from(self.sent.insert(number(rest), text).is_some());
        } else if let Some(rest) = line.strip_prefix("< Stored { key: MessageKey(") {
            let text = self.sent[&number(rest)].clone();
            *self.acknowledged.entry(text).or_default() += 1;
        } else if line.starts_with("< Welcome") {
            let is_resumed = line.contains("resumed: true");
            self.resumed += u64::from(is_resumed);
            self.begun += u64::from(!is_resumed);
        } else if line.starts_with("< Refused") {
            self.complaints.push(line.to_owned());
        }
    }
}

/// A client that writes as fast as it may, until it is told to end.
struct Writer {
    child: Child,
    ledger: Arc<Mutex<Ledger>>,
    /// Writes, and gives back how many lines it wrote.
    pen: JoinHandle<usize>,
    /// Collects what is printed.
    ear: JoinHandle<String>,
    stop: Arc<Mutex<bool>>,
}

impl Writer {
    fn start(name: &'static str, mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let (stop, noted) = (Arc::new(Mutex::new(false)), Arc::clone(&ledger));
        let trace = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            for line in trace.lines() {
                noted.lock().unwrap().note(&line.unwrap());
            }
        });
        let mut output = child.stdout.take().unwrap();
        let ear = thread::spawn(move || {
            let mut text = String::new();
            output.read_to_string(&mut text).unwrap();
            text
        });
        let (stdin, stopped) = (child.stdin.take().unwrap(), Arc::clone(&stop));
        let pen = thread::spawn(move || write(stdin, name, &stopped));
        Self {
            child,
            ledger,
            pen,
            ear,
            stop,
        }
    }

    fn acknowledged(&self) -> usize {
        self.ledger.lock().unwrap().acknowledged.len()
    }

    /// Ends the input, waits for the client; how many it wrote, and what it printed.
    fn finish(mut self) -> (usize, String, Arc<Mutex<Ledger>>) {
        *self.stop.lock().unwrap() = true;
        let written = self.pen.join().unwrap();
        let child = &mut self.child;
        let status = clock::wait_for("a writer to end", || child.try_wait().unwrap());
        let printed = self.ear.join().unwrap();
        let ledger = self.ledger.lock().unwrap();
        assert_eq!(status.code(), Some(0), "{printed}{:?}", ledger.complaints);
        drop(ledger);
        (written, printed, self.ledger)
    }
}

/// Writes numbered lines; a full pipe waits for the client, and that for the server.
fn write(mut stdin: ChildStdin, name: &str, stop: &Mutex<bool>) -> usize {
    for number in 0.. {
        if *stop.lock().unwrap() {
            return number;
        }
        stdin
            .write_all(format!("{name}-{number:06}\n").as_bytes())
            .unwrap();
        thread::sleep(PAUSE);
    }
    unreachable!("numbers do not end")
}

fn launch(data: &Path) -> Server {
    Server::launch(&Setup {
        data: Some(data),
        ..Setup::default()
    })
}

/// How often each message is in `text`, in the order in which each writer's came.
fn messages(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.contains("[#lobby] ")) {
        let said = line.rsplit(": ").next().unwrap();
        if let Some((name, _)) = said.split_once('-')
            && WRITERS.contains(&name)
        {
            let all = found.entry(name.to_owned()).or_default();
            all.push(said.to_owned());
        }
    }
    found
}

/// Everything in the lobby's history, in lines.
fn history(server: &Server) -> String {
    let mut reader = server.enter("reader");
    reader.send("/history 5h\n");
    let mut text = String::new();
    loop {
        let line = reader.line();
        if line.starts_with("-> #lobby: ") {
            return text;
        }
        text.push_str(&line);
        text.push('\n');
    }
}

/// A client that is there all the time.
struct Listener {
    program: Program,
    seen: String,
    /// Messages in it: in all, and of the first writer.
    count: usize,
    of_first: usize,
}

impl Listener {
    fn start(address: &str) -> Self {
        let words = ["--listen", "--retry", RETRY, "--name", "eve", address];
        let mut program = Home::new().start(&words);
        program.find("-> You are eve {}");
        Self {
            program,
            seen: String::new(),
            count: 0,
            of_first: 0,
        }
    }

    fn hear_one(&mut self) {
        let line = self.program.line();
        let said = messages(&line);
        self.count += said.len();
        self.of_first += usize::from(said.contains_key(WRITERS[0]));
        self.seen.push_str(&line);
        self.seen.push('\n');
    }
}

/// All writers at their work, those with accounts first.
fn start_writers(homes: &[Home], passwords: &[String], address: &str) -> Vec<Writer> {
    WRITERS
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let mut words = vec!["--trace", "--retry", RETRY, "--name", name, address];
            if at < ACCOUNTS {
                words.extend(["--password-file", &passwords[at]]);
            }
            Writer::start(name, homes[at].command(&words))
        })
        .collect()
}

/// Kills the server and starts it again, each time when everybody has been acknowledged something
/// since; the last one.
fn kill_again_and_again(
    kills: usize,
    mut server: Server,
    data: &Path,
    proxy: &Proxy,
    writers: &[Writer],
    listener: &mut Listener,
) -> Server {
    let mut dice = 0x9E37_79B9_u64;
    for _ in 0..kills {
        let before: Vec<usize> = writers.iter().map(Writer::acknowledged).collect();
        for (writer, before) in writers.iter().zip(&before) {
            clock::wait_for("an acknowledgement", || {
                (writer.acknowledged() > *before).then_some(())
            });
        }
        // Who listens is there too: a guest's session lasts from one process to the next only.
        while listener.of_first <= before[0] {
            listener.hear_one();
        }
        // Anywhere in the next moment.
        dice = dice.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        thread::sleep(Duration::from_micros((dice >> 33) % 60_000));
        drop(server);
        server = launch(data);
        proxy.lead_to(server.sealed());
    }
    server
}

/// Goal: 0 lost, 0 doubled. Method: kill the server again and again while everybody writes, each
/// time after everybody was acknowledged something; then compare what the writers were told, what
/// the history has, and what a listener saw who was there all the time.
#[test]
fn no_kill_loses_or_doubles_what_was_acknowledged() {
    let kills = std::env::var("PARLOUR_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let begin = clock::now();
    let data = tempfile::tempdir().unwrap();
    let server = launch(data.path());
    let proxy = Proxy::start(server.sealed());
    let address = format!(
        "parlour://{}#{}",
        proxy.address(),
        server.ready("fingerprint")
    );
    let homes: Vec<Home> = WRITERS.iter().map(|_| Home::new()).collect();
    let passwords: Vec<String> = homes.iter().map(password_file).collect();
    for name in &WRITERS[..ACCOUNTS] {
        make_account(data.path(), name, &passwords[0]);
    }
    let mut listener = Listener::start(&address);
    let writers = start_writers(&homes, &passwords, &address);
    let server = kill_again_and_again(kills, server, data.path(), &proxy, &writers, &mut listener);
    let ended: Vec<_> = writers.into_iter().map(Writer::finish).collect();
    let stored = messages(&history(&server));
    let (mut sum, mut again, mut resumed) = (0, 0, 0);
    for (name, (written, printed, ledger)) in WRITERS.iter().zip(ended) {
        let ledger = ledger.lock().unwrap();
        let expected: Vec<String> = (0..written).map(|n| format!("{name}-{n:06}")).collect();
        assert_eq!(stored[*name], expected, "{name}: each once, in order");
        let told: Vec<&String> = ledger.acknowledged.keys().collect();
        assert_eq!(
            told,
            expected.iter().collect::<Vec<_>>(),
            "{name}: all told"
        );
        assert!(!printed.contains("Err:"), "{name}: {printed}");
        assert_eq!(ledger.begun, 1, "{name}: its session outlives the server");
        (sum, again) = (sum + written, again + ledger.again);
        resumed += ledger.resumed;
    }
    while listener.count < sum {
        listener.hear_one();
    }
    // Whatever came twice came before the last.
    assert_eq!(
        messages(&listener.seen),
        stored,
        "who listened saw each once, in order"
    );
    println!(
        "{kills} kills in {:.0} s: {sum} messages of {} writers, all acknowledged; {again} were \
         sent again, {resumed} sessions resumed; in history and at the listener: 0 lost, 0 doubled",
        begin.elapsed().as_secs_f64(),
        WRITERS.len(),
    );
}

/// A file with everybody's password, which only its owner may read.
fn password_file(home: &Home) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = home.folder().join("password");
    std::fs::write(&path, "sesame\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn make_account(data: &Path, name: &str, password_file: &str) {
    let words = ["set-password", name, "--password-file", password_file];
    let (code, _, errors) = crate::harness::house::admin(data, &words, "");
    assert_eq!(code, 0, "{errors}");
}
