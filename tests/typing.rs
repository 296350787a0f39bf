//! The row being typed: what it survives, what its keys do, and what it leaves behind.

use crate::harness::{Conversation, Home, Server, Terminal, clock, tools};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

/// Messages per second of the flood, how long it lasts at least, and the characters typed in it.
const FLOOD_PER_SECOND: usize = 2_000;
const TYPED: usize = 200;

/// Names the variable that makes a test of this file panic with the terminal raw.
const PANIC: &str = "PARLOUR_TEST_PANICS";

fn seated(arguments: &[&str]) -> Option<(Server, Home, Terminal, Conversation)> {
    let tmux = tools::find(&["tmux"])?;
    let server = Server::start();
    let mut bob = server.enter("bob");
    let home = Home::new();
    let all = [&["--name", "alice"], arguments, &[server.ready("address")]].concat();
    let terminal = Terminal::open(tmux, &home, &all);
    terminal.wait_for("You are alice");
    bob.expect(" * #lobby: alice joined (2 here)");
    Some((server, home, terminal, bob))
}

/// Says numbered lines at the pace of the flood until told to stop; how many those were.
fn flood(mut speaker: Conversation, stop: std::sync::mpsc::Receiver<()>) -> usize {
    const AT_ONCE: usize = 20;
    let begin = clock::now();
    let mut said = 0;
    while stop.try_recv().is_err() {
        let lines: String = (said..said + AT_ONCE)
            .map(|n| format!("flood {n}\n"))
            .collect();
        speaker.send(lines);
        said += AT_ONCE;
        let due = Duration::from_millis(1_000 * said as u64 / FLOOD_PER_SECOND as u64);
        std::thread::sleep(due.saturating_sub(begin.elapsed()));
    }
    said
}

/// Goal: who types while two thousand messages a second arrive loses and doubles nothing.
/// Method: each key is sent by itself; every line of the flood is looked for afterwards.
#[test]
fn what_is_typed_survives_a_flood() {
    let Some((server, _home, terminal, mut bob)) = seated(&[]) else {
        return;
    };
    let speaker = server.enter("carol");
    bob.expect(" * #lobby: carol joined (3 here)");
    let (stop, stopped) = std::sync::mpsc::channel();
    let flooder = std::thread::spawn(move || flood(speaker, stopped));
    terminal.wait_for("flood");
    let text: String = (0..TYPED)
        .map(|n| char::from(b"abcdefghijklmnopqrstuvwxyz"[n % 26]))
        .collect();
    for character in text.chars() {
        terminal.type_in(&character.to_string());
    }
    terminal.press("Enter");
    let heard = bob.find("[#lobby] alice: {}");
    assert_eq!(heard, format!("[#lobby] alice: {text}"));
    stop.send(()).unwrap();
    let said = flooder.join().unwrap();
    terminal.wait_for(&format!("flood {}", said - 1));
    let shown = terminal.scrollback();
    let numbers: Vec<usize> = shown
        .lines()
        .filter_map(|line| line.split_once("carol: flood ")?.1.trim().parse().ok())
        .collect();
    let (first, last) = (numbers[0], *numbers.last().unwrap());
    assert_eq!(
        numbers,
        (first..=last).collect::<Vec<_>>(),
        "each once and in order"
    );
    assert_eq!(last, said - 1);
    assert!(
        first == 0 || numbers.len() > 45_000,
        "all that the scrollback holds"
    );
}

#[test]
fn keys_edit_find_and_complete() {
    let Some((_server, _home, terminal, mut bob)) = seated(&[]) else {
        return;
    };
    let mut says = |keys: &[&str], expected: &str| {
        for key in keys {
            match key.strip_prefix('=') {
                Some(text) => terminal.type_in(text),
                None => terminal.press(key),
            }
        }
        terminal.press("Enter");
        bob.find(&format!("[#lobby] alice: {expected}"));
    };
    says(
        &["=two three", "C-a", "=one ", "C-e", "=!"],
        "one two three!",
    );
    says(&["=a word cut", "C-w", "C-a", "C-y"], "cuta word ");
    says(&["=keep drop", "M-b", "C-k"], "keep ");
    says(&["=drop keep", "M-b", "C-u"], "keep");
    says(&["Up", "Up", "Up", "=?"], "cuta word ?");
    says(&["C-r", "=tWo", "C-e", "=!"], "one two three!!");
    says(&["=b", "Tab", "=hi"], "bob: hi");
    says(&["=ask B", "Tab", "=again"], "ask bob again");
    says(
        &[
            "=zoe\u{308}👩\u{200d}👩\u{200d}👧漢",
            "BSpace",
            "BSpace",
            "BSpace",
            "=x",
        ],
        "zox",
    );
    says(&["=first", "M-Enter", "=second"], "first");
    terminal.type_in("/na");
    terminal.press("Tab");
    terminal.wait_for("#lobby> /names");
    terminal.press("C-c");
    terminal.type_in("/join #l");
    terminal.press("Tab");
    terminal.wait_for("#lobby> /join #lobby");
    terminal.press("C-c");
    terminal.type_in("begun");
    terminal.press("C-r");
    terminal.type_in("nothing like it");
    terminal.wait_for("(search: nothing like it)");
    terminal.press("C-g");
    terminal.wait_for("#lobby> begun");
    terminal.press("C-c");
}

#[test]
fn commands_of_the_client_stay_with_it() {
    let Some((_server, _home, terminal, mut bob)) = seated(&[]) else {
        return;
    };
    let run = |line: &str, shown: &str| {
        terminal.type_in(line);
        terminal.press("Enter");
        terminal.wait_for(shown);
    };
    run("/bell off", "| bell off");
    run("/bell loud", "write /bell off");
    run("/quiet", "| quiet");
    run("/help bell", "what rings the bell");
    run("/away tea", "| away");
    bob.send("one\ntwo\n");
    terminal.wait_for("-------- while you were away, since ");
    run(
        "/back",
        "2 came while you were away; they begin at the mark",
    );
    run("/clear", "#lobby>");
    let is_clear = || (!terminal.screen().contains("while you were")).then_some(());
    clock::wait_for("a clear screen", is_clear);
}

#[test]
fn another_size_keeps_what_is_typed_and_shown() {
    let Some((_server, _home, terminal, mut bob)) = seated(&[]) else {
        return;
    };
    bob.send("before it\n");
    terminal.wait_for("before it");
    terminal.type_in("typed in a wide terminal, more than a narrow one holds");
    terminal.wait_for("one holds");
    for (columns, rows) in [(40, 12), (25, 10), (100, 24), (60, 30)] {
        terminal.resize(columns, rows);
        bob.send(format!("in {columns} columns\n"));
        let line = format!("bob: in {columns} columns\n");
        let shows = || terminal.scrollback().contains(&line).then_some(());
        clock::wait_for(&line, shows);
        terminal.wait_for("one holds");
    }
    let shown = terminal.scrollback();
    assert_eq!(shown.matches("before it").count(), 1, "{shown}");
    assert_eq!(shown.matches("-- connected |").count(), 1, "{shown}");
    // A key that comes at once with the news of a size can wait in crossterm for the next key; an
    // empty line does nothing.
    terminal.press("Enter");
    terminal.press("Enter");
    bob.find("[#lobby] alice: typed in a wide terminal, more than a narrow one holds");
}

#[test]
fn without_colours_there_are_none() {
    let Some((_server, _home, terminal, mut bob)) = seated(&["--no-color"]) else {
        return;
    };
    bob.send("alice!\n/nosuch\n");
    terminal.wait_for("alice!");
    let screen = terminal.screen_in_colour();
    for colour in (30..=37).chain(40..=47).chain(90..=97) {
        assert!(!screen.contains(&format!("[{colour}m")), "{screen}");
    }
    assert!(!screen.contains("[38;"), "{screen}");
}

#[test]
fn a_dumb_terminal_gets_nothing_but_characters() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let mut bob = server.enter("bob");
    let home = Home::new();
    let arguments = ["--name", "alice", server.ready("address")];
    let client = Terminal::client(&home, &arguments).join(" ");
    let script = format!("read go; export TERM=dumb; exec {client}").replace('#', "\\#");
    let terminal = Terminal::run(tmux, &home, &["sh", "-c", &script]);
    let record = home.folder().join("written");
    terminal.record(&record);
    terminal.press("Enter");
    bob.expect(" * #lobby: alice joined (2 here)");
    terminal.type_in("half a lin");
    terminal.wait_for("half a lin");
    bob.send("hello alice\n");
    terminal.wait_for("bob: hello alice");
    terminal.type_in("e");
    terminal.press("Enter");
    bob.expect("[#lobby] alice: half a line");
    terminal.press("C-d");
    bob.expect(" * #lobby: alice left after {}");
    let written = std::fs::read(record).unwrap();
    assert!(
        !written.contains(&0x1b),
        "{}",
        String::from_utf8_lossy(&written)
    );
    assert!(written.windows(5).any(|piece| piece == b"hello"));
}

#[test]
fn panics_when_asked() {
    if std::env::var_os(PANIC).is_none() {
        return;
    }
    let _raw = parlour::client::terminal::guard::RawTerminal::enter(false).unwrap();
    std::thread::spawn(|| panic!("as the test has asked"))
        .join()
        .unwrap();
}

/// Goal: whoever ends the client, the terminal is as it was before.
/// Method: the terminal's settings before and after, and a shell that goes on with it.
#[test]
fn every_way_out_leaves_the_terminal_as_it_was() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let mut bob = server.enter("bob");
    let this = std::env::current_exe().unwrap();
    let panicking = format!(
        "env {PANIC}=1 {} --exact typing::panics_when_asked --nocapture",
        this.display()
    );
    let ways = ["C-d", "TERM", "HUP", "twice C-c", "empty line", "panic"];
    for (way, name) in ways
        .into_iter()
        .zip(["ada", "ben", "cem", "dee", "eli", "fay"])
    {
        let home = Home::new();
        let arguments = ["--name", name, server.ready("address")];
        let client = Terminal::client(&home, &arguments)
            .join(" ")
            .replace('#', "\\#");
        let program = if way == "panic" { &panicking } else { &client };
        let folder = home.folder().display();
        let script = format!(
            "cd {folder}; stty -g > before; {program}; stty -g > after; echo it is over; cat"
        );
        let terminal = Terminal::run(tmux.clone(), &home, &["sh", "-c", &script]);
        if way != "panic" {
            bob.find(&format!(" * #lobby: {name} joined (2 here)"));
        }
        match way {
            "C-d" => terminal.press("C-d"),
            "TERM" => signal_child(&terminal, Signal::TERM),
            "HUP" => signal_child(&terminal, Signal::HUP),
            "empty line" => terminal.press("Enter"),
            "twice C-c" => {
                terminal.press("C-c");
                terminal.wait_for("Ctrl-C once more leaves");
                terminal.press("C-c");
            }
            _ => {}
        }
        terminal.wait_for("it is over");
        let read = |name: &str| std::fs::read_to_string(home.folder().join(name)).unwrap();
        assert_eq!(read("before"), read("after"), "{way}");
        // The shell's cat shows what is typed at the beginning of a row of its own.
        terminal.type_in("shown");
        terminal.wait_for("shown");
        assert_eq!(terminal.cursor_column(), "shown".len(), "{way}");
        if way != "panic" {
            bob.find(&format!(" * #lobby: {name} left after {{}}"));
        }
    }
}

/// Sends a signal to the program that the terminal's shell runs.
fn signal_child(terminal: &Terminal, signal: Signal) {
    let shell = terminal.process();
    let children = format!("/proc/{shell}/task/{shell}/children");
    let child = clock::wait_for("the shell's child", || {
        let children = std::fs::read_to_string(&children).unwrap();
        children.split_whitespace().next()?.parse().ok()
    });
    kill_process(Pid::from_raw(child).unwrap(), signal).unwrap();
}

#[test]
fn the_shell_has_the_terminal_while_the_client_pauses() {
    let (Some(tmux), Some(bash)) = (tools::find(&["tmux"]), tools::find(&["bash"])) else {
        return;
    };
    let server = Server::start();
    let mut bob = server.enter("bob");
    let home = Home::new();
    let bash = bash.to_str().unwrap();
    let terminal = Terminal::run(tmux, &home, &[bash, "--norc", "--noprofile", "-i"]);
    let arguments = ["--name", "alice", server.ready("address")];
    let client = Terminal::client(&home, &arguments)
        .join(" ")
        .replace('#', "\\#");
    terminal.type_in(&client);
    terminal.press("Enter");
    bob.expect(" * #lobby: alice joined (2 here)");
    terminal.type_in("half a sen");
    terminal.wait_for("half a sen");
    terminal.press("C-z");
    terminal.wait_for("Stopped");
    terminal.type_in("echo $((6 * 7))x");
    terminal.press("Enter");
    terminal.wait_for("42x");
    bob.send("meanwhile\n");
    terminal.type_in("fg");
    terminal.press("Enter");
    terminal.wait_for("bob: meanwhile");
    terminal.type_in("tence");
    terminal.press("Enter");
    bob.expect("[#lobby] alice: half a sentence");
}

#[test]
fn settings_are_read_and_mistakes_in_them_told() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let mut bob = server.enter("bob");
    let home = Home::new();
    let folder = home.folder().join("config/parlour");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("client.toml");
    std::fs::write(&file, "bel = \"off\"\n").unwrap();
    let (code, _, errors) = home.run(&[server.ready("address")], "hi\n");
    assert_eq!(code, 2);
    assert!(
        errors.contains("client.toml") && errors.contains("bel"),
        "{errors}"
    );

    let settings = "name = \"alice\"\nbell = \"off\"\nquiet = true\nempty-line = \"ignore\"\n";
    std::fs::write(&file, settings).unwrap();
    let terminal = Terminal::open(tmux, &home, &[server.ready("address")]);
    terminal.wait_for("| quiet | bell off");
    bob.expect(" * #lobby: alice joined (2 here)");
    terminal.press("Enter");
    terminal.type_in("still here");
    terminal.press("Enter");
    bob.expect("[#lobby] alice: still here");
}
