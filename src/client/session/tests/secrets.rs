//! Goal: a password goes to the server that asked for it, once, and nowhere else.

use super::*;
use crate::chat::SecretPrompt;

fn alice() -> Name {
    Name::parse("alice").unwrap()
}

fn login() -> Event {
    Event::AskSecret(SecretPrompt::Login(alice()))
}

/// Gives a secret; returns whether it was waited for, and the news of it.
fn give(session: &mut Session, text: &str) -> (bool, Vec<String>) {
    let mut news = Vec::new();
    let is_awaited = session.give_secret(text, &mut |heard| news.push(format!("{heard:?}")));
    (is_awaited, news)
}

fn wrong(server: &FakeServer) -> Event {
    let key = server.secrets.last().map(|(key, _)| *key);
    Event::Refused(key, Refusal::WrongPassword)
}

fn tells_of_login(news: &[String]) -> bool {
    news.iter().any(|line| line.starts_with("LoggedIn"))
}

#[test]
fn a_password_is_given_when_asked_for_and_opens_the_account() {
    let mut session = session();
    let mut server = connected(&mut session);
    assert!(!give(&mut session, "too early").0);
    let bytes = server.events(&[login()]);
    let news = receive(&mut session, &bytes);
    assert!(news[0].starts_with("AskSecret(Login("), "{news:?}");
    assert!(give(&mut session, "sesame").0);
    assert!(
        !give(&mut session, "sesame").0,
        "one answer for each question"
    );
    server.take(&mut session);
    assert_eq!(server.secrets.len(), 1);
    assert_eq!(server.secrets[0].1, "sesame");
    let bytes = server.events(&[welcome(false), Event::Done(server.secrets[0].0)]);
    let news = receive(&mut session, &bytes);
    let logins = news.iter().filter(|line| line.starts_with("LoggedIn"));
    assert_eq!(logins.count(), 1, "{news:?}");
}

#[test]
fn the_answer_to_a_login_by_command_is_its_key() {
    let mut session = session();
    let mut server = talking(&mut session, false);
    session.run("/login alice", &mut |_| {});
    server.take(&mut session);
    let command = server.keys[0];
    let bytes = server.events(&[login()]);
    receive(&mut session, &bytes);
    give(&mut session, "sesame");
    server.take(&mut session);
    let bytes = server.events(&[Event::Done(command)]);
    assert!(!tells_of_login(&receive(&mut session, &bytes)));
    let bytes = server.events(&[Event::Done(server.secrets[0].0)]);
    assert!(tells_of_login(&receive(&mut session, &bytes)));
}

#[test]
fn a_wrong_password_or_none_opens_nothing() {
    for text in ["wrong", ""] {
        let mut session = session();
        let mut server = connected(&mut session);
        let bytes = server.events(&[login()]);
        receive(&mut session, &bytes);
        give(&mut session, text);
        server.take(&mut session);
        assert_eq!(server.secrets.last().unwrap().1, text);
        let refused = wrong(&server);
        let bytes = server.events(&[refused, login(), Event::AskName]);
        let news = receive(&mut session, &bytes);
        assert!(news[0].contains("of_command: true"), "{news:?}");
        assert!(news[1].starts_with("AskSecret"), "{news:?}");
        session.choose_name(Name::parse("bob").unwrap(), &mut |_| {});
        let bytes = server.events(&[welcome(false)]);
        assert!(!tells_of_login(&receive(&mut session, &bytes)));
    }
}

#[test]
fn a_new_password_is_no_login() {
    let mut session = session();
    let mut server = talking(&mut session, false);
    for prompt in [
        SecretPrompt::Current,
        SecretPrompt::New,
        SecretPrompt::Again,
    ] {
        let bytes = server.events(&[Event::AskSecret(prompt)]);
        receive(&mut session, &bytes);
        give(&mut session, "sesame");
        server.take(&mut session);
        let bytes = server.events(&[Event::Done(server.secrets.last().unwrap().0)]);
        assert!(!tells_of_login(&receive(&mut session, &bytes)));
    }
    assert_eq!(server.secrets.len(), 3);
}

/// Goal: what was typed for one connection is not sent on the next, where another may ask.
#[test]
fn a_lost_connection_takes_the_question_with_it() {
    let mut session = session();
    let mut server = connected(&mut session);
    let bytes = server.events(&[login()]);
    receive(&mut session, &bytes);
    session.disconnect();
    assert!(!give(&mut session, "sesame").0);
    let mut server = connected(&mut session);
    assert!(server.secrets.is_empty());
    let bytes = server.events(&[login()]);
    receive(&mut session, &bytes);
    give(&mut session, "sesame");
    session.disconnect();
    let server = talking(&mut session, false);
    assert!(server.secrets.is_empty(), "it is asked for again");
}

#[test]
fn a_trace_does_not_hold_the_secret() {
    let wish = Wish {
        name: Some(alice()),
        room: None,
    };
    let mut session = Session::new(wish, Suite::DEFAULT, 77, true);
    let mut server = connected(&mut session);
    let bytes = server.events(&[login()]);
    receive(&mut session, &bytes);
    let (is_awaited, news) = give(&mut session, "sesame");
    assert!(is_awaited);
    assert!(news[0].contains("> Secret"), "{news:?}");
    assert!(news.iter().all(|line| !line.contains("sesame")), "{news:?}");
    server.take(&mut session);
    assert_eq!(server.secrets[0].1, "sesame");
}

#[test]
fn another_name_can_be_chosen_instead_of_ones_own() {
    let mut session = session();
    talking(&mut session, false);
    session.disconnect();
    let mut server = connected(&mut session);
    let bytes = server.events(&[login()]);
    receive(&mut session, &bytes);
    give(&mut session, "");
    let bytes = server.events(&[Event::AskName]);
    receive(&mut session, &bytes);
    session.choose_name(Name::parse("bob").unwrap(), &mut |_| {});
    server.take(&mut session);
    let hello = server.heard.last().unwrap();
    assert!(hello.contains("bob"), "{hello}");
}
