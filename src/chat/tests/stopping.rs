//! The end of the server.

use super::hall::{Hall, arrival};
use crate::chat::*;

#[test]
fn a_stopping_server_accepts_nothing_new_and_answers_what_it_has() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.sealed_client(2, "bob");
    hall.open(3, arrival(Door::Line, 3));
    hall.answers = false;
    hall.line(1, "one");
    hall.hear(1);
    hall.hear(2);
    assert_eq!(hall.input(Input::Stop), Verdict::Taken);
    assert!(!hall.chat.is_settled());
    assert!(hall.ask(1, "two")[0].starts_with("Err: not stored, the server is stopping"));
    assert!(hall.ask(3, "carol")[0].starts_with("Err: not stored, the server is stopping"));
    let key = hall.run(2, "/names").0;
    assert!(hall.hear(2)[0].starts_with(&format!("Err {key}: not stored, the server is")));
    hall.answer();
    assert!(hall.chat.is_settled());
    assert_eq!(hall.hear(2), ["[#lobby] alice: one"]);
    assert_eq!(hall.hear(1), ["stored 1 as 1"]);
    let mut effects = Effects::new();
    hall.chat.farewell(None, &mut effects);
    assert_eq!(effects.len(), 3);
    for effect in effects {
        let Effect::Finish(_, Some(Event::Bye(Some(why))), Close::Stopping) = effect else {
            panic!("{effect:?}");
        };
        assert_eq!(&*why, "server is stopping");
    }
    hall.chat.assert_invariants();
    hall.close(1, Parting::Left);
    hall.close(2, Parting::Left);
}

#[test]
fn one_may_leave_a_stopping_server() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    assert_eq!(hall.input(Input::Stop), Verdict::Taken);
    assert_eq!(hall.ask(1, "/quit"), ["bye None"]);
}
