//! Pipe mode: lines in are sent, what happens comes out as the line door's words, or both as JSON.
//!
//! Made for scripts: nothing is asked, nothing is coloured, one's own words are not repeated, and
//! the exit code tells whether everything that was put in was stored.

use std::io::{self, Write};
use std::time::Duration;

use super::exit::{Exit, report, report_frame};
use super::input::{Input, Line};
use super::json::{self, Wanted, Writer};
use super::link::{Ending, Link};
use super::news::News;
use super::password_file::PasswordFile;
use super::safe::safe_row;
use super::trust::{Decision, Trust};
use super::words::append_words;
use crate::chat::{MessageKey, Name, Refusal, SecretPrompt};
use crate::crypto::handshake::PublicKey;
use crate::limits::{CLIENT_JSON_LINE_BYTES_MAX, CLIENT_PAINT_BYTES, TEXT_BYTES_MAX};

/// How piped input is taken.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// What lines are.
    pub form: Form,
    /// The end of input does not end the program.
    pub listen: bool,
}

/// What lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// What would be typed in; the line door's words out.
    Words,
    /// The same, but lines in are text even when they begin with a slash.
    Text,
    /// JSON objects.
    Json,
}

/// Runs pipe mode to its end.
///
/// # Errors
///
/// When the poll fails; everything else is an [`Exit`].
pub fn run(
    mut link: Link,
    trust: &Trust,
    password: Option<PasswordFile>,
    manner: Manner,
) -> io::Result<Exit> {
    let bytes_max = match manner.form {
        Form::Words | Form::Text => TEXT_BYTES_MAX,
        Form::Json => CLIENT_JSON_LINE_BYTES_MAX,
    };
    let mut input = Some(Input::start(link.waker(), bytes_max));
    let mut front = Front {
        password,
        json: (manner.form == Form::Json).then(Writer::default),
        ..Front::default()
    };
    let mut leaving = false;
    while link.ending().is_none() {
        let wants_input = link.session().has_room() && input.is_some();
        let turn = link.turn(None, front.more_input && wants_input, false, &mut |news| {
            front.hear(&news);
        })?;
        if let Some(key) = front.server_key.take() {
            decide(&mut link, trust, &key, &mut front);
        }
        if let Some(prompt) = front.asked.take() {
            front.give_secret(prompt, &mut link);
        }
        if front.hello_refused {
            link.end(Ending::Failed(
                "the server did not take the name or the room".to_owned(),
            ));
        }
        if front.ends_input && input.take().is_some() {
            report("what follows is not said: it may be a password");
        }
        if !leaving {
            front.more_input = feed(&mut input, &mut link, manner, &mut front)?;
        }
        let settled = link.session().conversation().unacknowledged_count() == 0;
        let done = input.is_none() && settled && !manner.listen && front.was_welcome;
        if turn.asked_to_stop || (done && !leaving) {
            leaving = true;
            link.leave();
        }
        if front.print().is_err() {
            // Nobody reads us any more; as for any program in a pipe, that is the end.
            return Ok(Exit::Lost);
        }
    }
    front.lost |= input.is_some() && !front.said_bye;
    let exit = front.finish(&link_ending(&link), link.session().conversation());
    Ok(exit)
}

fn link_ending(link: &Link) -> Ending {
    link.ending().cloned().unwrap_or(Ending::Clean)
}

/// What has been heard, and what is still to be printed.
#[derive(Default)]
struct Front {
    out: String,
    /// What writes JSON, if it is wanted.
    json: Option<Writer>,
    server_key: Option<PublicKey>,
    password: Option<PasswordFile>,
    asked: Option<SecretPrompt>,
    was_welcome: bool,
    hello_refused: bool,
    /// Whether input was left because there was no room for it.
    more_input: bool,
    /// The command that is not answered and may be followed by secrets.
    before_secret: Option<MessageKey>,
    /// Such a command was refused: what follows is not to be said.
    ends_input: bool,
    /// Whether anything was refused or lost.
    lost: bool,
    said_bye: bool,
    bye: Option<String>,
}

impl Front {
    fn hear(&mut self, news: &News<'_>) {
        match &mut self.json {
            Some(json) => json.append(news, &mut self.out),
            None => append_words(news, &mut self.out),
        }
        match *news {
            News::ServerKey(key) => self.server_key = Some(key),
            News::Welcome { .. } => {
                self.was_welcome = true;
                self.said_bye = false;
                self.bye = None;
                self.password_taken();
            }
            News::LoggedIn(_) => self.password_taken(),
            News::AskSecret(prompt) => self.asked = Some(prompt),
            // It was given one at the start, so this says that it did not take it.
            News::AskName => self.hello_refused = true,
            News::Refused {
                key, of_command, ..
            } => {
                self.lost = true;
                if let Some(key) = key {
                    self.end_before_secret(key);
                }
                self.hello_refused |= !of_command;
            }
            News::Acknowledged { key, .. } => {
                self.before_secret.take_if(|before| *before == key);
            }
            News::NotSent { key, .. } => {
                self.lost = true;
                self.end_before_secret(key);
            }
            News::Bye(why) => {
                self.said_bye = true;
                self.bye = why.map(safe_row);
            }
            News::Trace(text) => report_frame(text),
            News::Apart(apart) => {
                let again = apart.again_after.map_or(Duration::ZERO, |after| after);
                let why = safe_row(apart.why);
                let seconds = again.as_secs_f32();
                report(&format!("{why}; trying again in {seconds:.1} s"));
            }
            News::Entered { .. }
            | News::Exited(_)
            | News::Current(_)
            | News::Renamed(_)
            | News::Notice(_)
            | News::Passed(_)
            | News::Sent { .. }
            | News::ReplayEnd { .. }
            | News::Missed { .. }
            | News::Entry { .. }
            | News::File(_)
            | News::FileDone(_)
            | News::FileRefused { .. }
            | News::Closed(_) => {}
        }
        if self.out.len() > CLIENT_PAINT_BYTES && self.print().is_err() {
            // Told again by the next print, which ends the program.
            self.out.clear();
        }
    }

    /// What may be followed by secrets was not carried out.
    fn end_before_secret(&mut self, key: MessageKey) {
        let taken = self.before_secret.take_if(|before| *before == key);
        self.ends_input |= taken.is_some();
    }

    fn password_taken(&mut self) {
        if let Some(password) = &mut self.password {
            password.taken();
        }
    }

    /// Answers what only a person could, as far as a file can.
    fn give_secret(&mut self, prompt: SecretPrompt, link: &mut Link) {
        let SecretPrompt::Login(name) = prompt else {
            self.refuse("a password is changed at the keyboard, not in a pipe");
            link.session().give_secret("", &mut |news| self.hear(&news));
            self.ends_input = self.json.is_none();
            return;
        };
        match self.password.as_mut().map(PasswordFile::next_try) {
            Some(Some(password)) => {
                link.session()
                    .give_secret(&password, &mut |news| self.hear(&news));
            }
            Some(None) => link.end(Ending::Failed(format!(
                "the server did not take the password for {name}"
            ))),
            None if self.was_welcome => {
                self.refuse(&needs_password(name));
                link.session().give_secret("", &mut |news| self.hear(&news));
                self.ends_input = self.json.is_none();
            }
            None => link.end(Ending::Failed(needs_password(name))),
        }
    }

    fn refuse(&mut self, words: &str) {
        self.lost = true;
        match &self.json {
            Some(json) => json.append_not_understood((words.to_owned(), None), &mut self.out),
            None => self.out.push_str(&format!("Err: {words}\n")),
        }
    }

    /// Does what a line of JSON asks for.
    fn take_json(&mut self, line: &str, link: &mut Link) {
        let request = match json::read(line) {
            Ok(request) => request,
            Err(not_understood) => {
                self.lost = true;
                if let Some(json) = &self.json {
                    json.append_not_understood(not_understood, &mut self.out);
                }
                return;
            }
        };
        let session = link.session();
        let hear = &mut |news: News<'_>| self.hear(&news);
        let key = match request.what {
            Wanted::Say(None, text) => session.say(&text, hear),
            Wanted::Say(Some(room), text) => session.say_in(room, &text, hear),
            Wanted::Tell(to, text) => session.tell(to, &text, hear),
            Wanted::Run(line) => session.run(&line, hear),
        };
        if let Some(json) = &mut self.json {
            json.await_answer(key, request.reference);
        }
    }

    /// Writes what there is, at once.
    fn print(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let mut output = io::stdout().lock();
        output.write_all(self.out.as_bytes())?;
        self.out.clear();
        output.flush()
    }

    fn say_bye(&mut self) {
        let why = self.bye.as_deref();
        match &self.json {
            Some(json) => json.append_bye(why, &mut self.out),
            None => {
                let mut bye = Vec::new();
                crate::wire::line::encode_bye(why, &mut bye);
                self.out.push_str(&String::from_utf8_lossy(&bye));
            }
        }
    }

    /// Says the last words and tells what it all came to.
    fn finish(mut self, ending: &Ending, conversation: &super::conversation::Conversation) -> Exit {
        let waiting = conversation.unacknowledged_count();
        let exit = match ending {
            Ending::Clean => {
                self.say_bye();
                Exit::Done
            }
            Ending::Failed(why) => {
                report(&safe_row(why));
                if let Some(bye) = self.bye.as_ref().filter(|bye| !why.contains(*bye)) {
                    report(&format!("the server said: {bye}"));
                }
                Exit::Lost
            }
            Ending::KeyRefused(words) => {
                report(words);
                Exit::Key
            }
        };
        if waiting > 0 && exit != Exit::Key {
            report(&format!("not acknowledged by the server: {waiting}"));
            self.lost = true;
        }
        match (self.print(), self.lost, exit) {
            (Err(_), _, Exit::Done) | (Ok(()), true, Exit::Done) => Exit::Lost,
            (_, _, exit) => exit,
        }
    }
}

/// Said when there is nobody to type a password.
fn needs_password(name: Name) -> String {
    format!(
        "{name} is an account's name: put its password into a file of yours alone and add \
         --password-file FILE, or choose another name"
    )
}

fn decide(link: &mut Link, trust: &Trust, key: &PublicKey, front: &mut Front) {
    let refused = match trust.judge(key) {
        Decision::Accept => match trust.identity_for(key) {
            Ok(identity) => {
                link.accept(identity.as_ref(), &mut |news| front.hear(&news));
                return;
            }
            Err(why) => Ending::Failed(why),
        },
        Decision::Ask(shown) => Ending::KeyRefused(trust.unknown_words(shown)),
        Decision::Refuse(words) => Ending::KeyRefused(words),
    };
    link.end(refused);
}

/// Says what has been put in, as long as there is room; tells whether more waits.
fn feed(
    input: &mut Option<Input>,
    link: &mut Link,
    manner: Manner,
    front: &mut Front,
) -> io::Result<bool> {
    while let Some(lines) = input {
        if !link.session().has_room() {
            return Ok(true);
        }
        if front.before_secret.is_some() {
            // Its answer comes first, and wakes us.
            return Ok(false);
        }
        match lines.next_line()? {
            None => return Ok(false),
            Some(Line::End) => *input = None,
            Some(Line::TooLong) => {
                let max = TEXT_BYTES_MAX;
                front.refuse(&Refusal::TextTooLong { max }.to_string());
            }
            Some(Line::Text(line)) if manner.form == Form::Json => {
                if !line.trim().is_empty() {
                    front.take_json(&line, link);
                }
            }
            Some(Line::Text(line)) => {
                let session = link.session();
                let hear = &mut |news: News<'_>| front.hear(&news);
                if line.is_empty() {
                    continue;
                }
                match manner.form {
                    Form::Words => {
                        let key = say_or_run(session, &line, hear);
                        front.before_secret = asks_for_secret(&line).then_some(key);
                    }
                    Form::Text | Form::Json => {
                        session.say(&line, hear);
                    }
                }
            }
        }
    }
    Ok(false)
}

/// Whether a line is a command that the server answers by asking for a password.
fn asks_for_secret(line: &str) -> bool {
    let command = line.split_whitespace().next().unwrap_or("");
    let asking = ["/login", "/password", "/pass", "/p"];
    asking.iter().any(|one| command.eq_ignore_ascii_case(one))
}

/// Runs a line that begins with a slash; says any other, and what follows a double slash.
pub fn say_or_run(
    session: &mut super::session::Session,
    line: &str,
    heard: &mut super::news::Outlet<'_>,
) -> MessageKey {
    match line.strip_prefix('/') {
        None => session.say(line, heard),
        Some(text) if text.starts_with('/') => session.say(text, heard),
        Some(_) => session.run(line, heard),
    }
}
