//! A few connections and a second or two of each scenario, against a real server.

use crate::figures::{Run, parlourd};
use std::path::PathBuf;

/// Runs a scenario on a server of its own, and expects all to be well.
fn run(name: &str, words: &str) -> Option<Run> {
    parlourd()?;
    let run = Run::of(name, &words.split_whitespace().collect::<Vec<_>>());
    assert_eq!(run.code(), Some(0), "{}{}", run.page(), run.errors());
    Some(run)
}

/// The ledger balances and nothing is missing.
fn assert_nothing_lost(run: &Run) {
    assert!(run.figure("received") > 0.0);
    assert_eq!(run.figure("expected"), run.figure("received"));
    for key in [
        "lost",
        "duplicates",
        "out-of-order",
        "corrupt",
        "stray",
        "failed",
    ] {
        assert_eq!(run.figure(key), 0.0, "{key}");
    }
}

#[test]
fn idle_connections_are_held_and_get_one_message() {
    let Some(run) = run("idle", "idle -c 30 -d 500ms") else {
        return;
    };
    assert_nothing_lost(&run);
    assert_eq!(run.figure("connected"), 30.0);
    assert_eq!(run.figure("received"), 30.0);
    assert!(run.figure("ready-ms") > 0.0);
}

#[test]
fn a_closed_loop_through_either_door_loses_nothing_and_names_the_floor() {
    for door in ["sealed", "line"] {
        let words = format!("fanout -c 20 --senders 2 -d 500ms --warmup 200ms --door {door}");
        let Some(run) = run(&format!("fanout-{door}"), &words) else {
            return;
        };
        assert_nothing_lost(&run);
        assert!(run.figure("floor-share") > 0.0);
        assert!(run.page().contains("closed loop"));
        assert!(
            run.json["seconds"]
                .as_array()
                .is_some_and(|seconds| !seconds.is_empty())
        );
    }
}

#[test]
fn a_share_of_the_receivers_authenticates_and_the_report_says_which() {
    for suite in ["1", "2"] {
        for (verify, share) in [("all", 1.0), ("25%", 0.25), ("0%", 0.0)] {
            let words =
                format!("fanout -c 20 -n 20 --no-floor --suite {suite} --verify {verify} --seed 7");
            let Some(run) = run(&format!("verify-{suite}-{share}"), &words) else {
                return;
            };
            assert_nothing_lost(&run);
            assert_eq!(run.figure("authenticated-receivers-share"), share);
            assert_eq!(run.figure("authenticated-share"), share);
            let words = if share == 1.0 {
                "every record of every receiver"
            } else {
                "receivers ("
            };
            assert!(run.page().contains(words), "{}", run.page());
        }
    }
    let Some(run) = run("verify-line", "fanout -c 5 -n 5 --no-floor --door line") else {
        return;
    };
    assert!(run.json["figures"]["authenticated-share"].is_null());
}

#[test]
fn an_open_loop_reaches_its_rate_on_several_threads() {
    let words = "fanout -c 20 --senders 3 -R 200 -d 1s --warmup 200ms --threads 2 --assert lost==0";
    let Some(run) = run("open", words) else {
        return;
    };
    assert_nothing_lost(&run);
    assert!(run.figure("rate") > 150.0);
    assert!(run.figure("p50-ms") <= run.figure("p99-ms"));
}

#[test]
fn a_count_ends_the_run() {
    let Some(run) = run("count", "fanout -c 10 -n 50 --no-floor") else {
        return;
    };
    assert_nothing_lost(&run);
    assert_eq!(run.figure("sent"), 50.0);
    assert_eq!(run.figure("received"), 500.0);
}

#[test]
fn those_who_move_get_stuck_or_are_apart_lose_nothing_either() {
    for (name, words) in [
        ("storm", "storm -c 40 --share 80"),
        ("churn", "churn -c 20 --moves 40 -d 1s --warmup 200ms"),
        (
            "rooms",
            "rooms -c 24 --members 4 --window 2 -d 500ms --warmup 200ms",
        ),
        (
            "slow",
            "slow -c 20 -R 100 -d 500ms --stuck 1s --warmup 200ms",
        ),
        ("isolation", "isolation -c 20 -d 1s --warmup 200ms"),
    ] {
        let Some(run) = run(name, words) else {
            return;
        };
        assert_nothing_lost(&run);
    }
}

#[test]
fn a_storm_is_of_sessions_that_go_on_and_nobody_misses_a_word() {
    let Some(run) = run("resumed", "storm -c 40 --share 80 -R 100") else {
        return;
    };
    assert_nothing_lost(&run);
    assert_eq!(run.figure("resumed"), 32.0);
    assert_eq!(run.figure("not-resumed"), 0.0);
    // Everybody has everything, those who were away too, and once.
    assert_eq!(run.figure("received"), run.figure("sent") * 40.0);
}

#[test]
fn a_storm_of_newcomers_is_one_of_new_names() {
    for (name, words) in [
        ("fresh", "storm -c 20 --share 80 --fresh"),
        ("plain", "storm -c 20 --share 80 --door line"),
    ] {
        let Some(run) = run(name, words) else {
            return;
        };
        assert_nothing_lost(&run);
        assert_eq!(run.figure("resumed"), 0.0);
        assert_eq!(run.figure("not-resumed"), 16.0);
        assert_eq!(run.figure("resumes-refused"), 0.0);
    }
}

#[test]
fn with_the_store_nothing_is_lost_either_and_the_folder_of_the_run_goes() {
    let before = folders();
    for (name, words) in [
        ("stored", "fanout -c 20 -n 100 --no-floor --store"),
        ("stored-storm", "storm -c 20 --share 80 --store"),
    ] {
        let Some(run) = run(name, words) else {
            return;
        };
        assert_nothing_lost(&run);
    }
    // Other tests have folders of their own meanwhile, with databases in none of them.
    let left = folders().into_iter().filter(|path| !before.contains(path));
    let databases = left.filter(|path| path.join("data/parlour.db").exists());
    assert_eq!(databases.count(), 0);
}

/// Folders of runs that there are.
fn folders() -> Vec<PathBuf> {
    let found = std::fs::read_dir(std::env::temp_dir()).unwrap();
    let found = found.filter_map(|entry| Some(entry.ok()?.path()));
    let is_ours = |path: &PathBuf| path.to_string_lossy().contains("parlour-loadtest-");
    found.filter(is_ours).collect()
}

#[test]
fn a_folder_that_is_named_keeps_what_is_said_from_run_to_run() {
    let folder = std::env::temp_dir().join(format!("loadtest-data-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let words = format!("fanout -c 5 -n 20 --no-floor --data {}", folder.display());
    for name in ["kept-first", "kept-second"] {
        let Some(run) = run(name, &words) else {
            break;
        };
        assert_nothing_lost(&run);
        // What an earlier run said is shown first, and is none of this one's.
        assert_eq!(run.figure("received"), 100.0);
        assert!(folder.join("parlour.db").exists());
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn accounts_log_in_at_once_each_by_its_password() {
    for (name, words) in [
        ("logins", "logins -c 8 --members 5"),
        ("logins-stored", "logins -c 8 --members 5 --store"),
    ] {
        let Some(run) = run(name, words) else {
            return;
        };
        assert_nothing_lost(&run);
        assert_eq!(run.figure("connected"), 13.0);
        assert_eq!(run.figure("missing"), 0.0);
        assert_eq!(run.figure("password-prompts"), 8.0);
        assert!(run.figure("p99-ms") > 0.0);
    }
}

#[test]
fn after_a_restart_everybody_goes_on_without_a_password_and_nothing_is_lost() {
    for (name, words) in [
        ("restart", "restart -c 12 -R 100"),
        ("restart-killed", "restart -c 12 -R 100 --kill"),
    ] {
        let Some(run) = run(name, words) else {
            return;
        };
        assert_nothing_lost(&run);
        assert_eq!(run.figure("resumed"), 12.0);
        assert_eq!(run.figure("not-resumed"), 0.0);
        assert_eq!(run.figure("unexpected-prompts"), 0.0);
        assert_eq!(run.figure("received"), run.figure("sent") * 12.0);
    }
}

#[test]
fn files_come_as_they_were_sent_to_one_and_to_many_beside_a_room_that_talks() {
    for (name, words) in [
        ("file", "files --file-bytes 300k"),
        ("files-many", "files --members 5 --file-bytes 100k -R 50"),
        (
            "files-stored",
            "files --members 2 --file-bytes 200k --store",
        ),
    ] {
        let Some(run) = run(name, &format!("{words} -d 500ms --warmup 200ms")) else {
            return;
        };
        assert!(run.figure("files") >= 1.0);
        assert_eq!(run.figure("files-wrong"), 0.0);
        assert_eq!(run.figure("files-missing"), 0.0);
        assert_eq!(run.figure("failed"), 0.0);
        assert!(run.figure("file-mb-per-second") > 0.0);
        assert!(run.figure("server-ms-per-mb") > 0.0);
        if name == "files-many" {
            assert_nothing_lost(&run);
            assert!(run.figure("calm-p99-ms") > 0.0);
            assert!(run.figure("p99-ms") > 0.0);
            assert!(run.figure("carrying-p99-ms") > 0.0);
        }
    }
    let words = ["files", "--file-bytes", "100M", "-d", "1s"];
    let run = Run::of("file-refused", &words);
    assert_eq!(run.code(), Some(1));
    assert!(run.errors().contains("keeps 67.1 MB"), "{}", run.errors());
}

#[test]
fn who_reads_slowly_gets_everything_in_the_end() {
    let words = "slow -c 20 -R 100 -d 500ms --stuck 2s --warmup 200ms --read-rate 1k --share 50";
    let Some(run) = run("slowly", words) else {
        return;
    };
    assert_nothing_lost(&run);
    assert_eq!(run.figure("received"), run.figure("sent") * 20.0);
    assert!(
        run.page()
            .contains("10 of 20 members read 1,000 bytes a second")
    );
}

#[test]
fn conditions_decide_the_exit_code() {
    if parlourd().is_none() {
        return;
    }
    let words = ["fanout", "-c", "5", "-n", "5", "--no-floor", "--assert"];
    for (condition, code) in [
        ("lost==0", 0),
        ("p99<60s", 0),
        ("received>1000000", 1),
        ("p99<", 2),
    ] {
        let name = format!("assert-{code}-{}", condition.len());
        let run = Run::of(&name, &[&words[..], &[condition]].concat());
        assert_eq!(run.code(), Some(code), "{condition}: {}", run.errors());
    }
}

#[test]
fn mistakes_end_with_two_and_say_what_to_do() {
    for (words, said) in [
        ("fanout 192.0.2.1:4747", "--remote"),
        ("files --door line", "--door"),
        ("fanout --file-bytes 1M", "--file-bytes"),
        ("fanout nonsense", "HOST:PORT"),
        ("idle --parlourd /nowhere/parlourd", "/nowhere/parlourd"),
        ("connect --window 5", "--window"),
        ("fanout --server-pid 1", "--server-pid"),
        ("fanout 127.0.0.1:4747 --store", "--store"),
        ("fanout --store --data /tmp/none", "leave --store out"),
        ("fanout --against redis://127.0.0.1:1 --store", "--store"),
        ("logins --door line", "--door"),
        ("calibrate --store", "--store"),
        ("fanout --against ftp://127.0.0.1:1", "redis://"),
        ("idle -c 10000000", "open files"),
        ("fanout --against irc://127.0.0.1:1 -s 500", "400 bytes"),
        (
            "fanout --against redis://127.0.0.1:1 -s 300000",
            "262144 bytes",
        ),
    ] {
        if words.contains("10000000") && parlourd().is_none() {
            continue;
        }
        let run = Run::of("mistake", &words.split_whitespace().collect::<Vec<_>>());
        assert_eq!(run.code(), Some(2), "{words}: {}", run.errors());
        assert!(run.errors().contains(said), "{words}: {}", run.errors());
    }
}
