//! Questions: what the user is asked in the row, and what the answers lead to.
//!
//! While one is open the row belongs to it; what was being typed comes back afterwards, so that
//! nothing meant for a room becomes an answer, and no password ends up in a room.

use super::Front;
use super::editor::Edit;
use super::keyboard::Key;
use super::secret::SecretLine;
use crate::chat::{Name, SecretPrompt};
use crate::client::link::{Ending, Link};
use crate::client::password_file::PasswordFile;
use crate::client::trust::{Decision, Trust};
use crate::crypto::fingerprint::Fingerprint;
use crate::crypto::handshake::PublicKey;
use crate::limits::{CLIENT_LINES_ASKED, CLIENT_LINES_BYTES_ASKED};

/// Said when the user does not vouch for the server.
const NOT_ACCEPTED: &str = "the server's key was not accepted; nothing was sent";

/// What the user is being asked in the row.
pub(super) enum Question {
    /// The name to be called by.
    Name,
    /// Whether this server is the right one.
    Server(PublicKey),
    /// Something that is not shown, and what of it was typed.
    Secret(SecretPrompt, SecretLine),
    /// Whether this client's key is to open that account from now on.
    Enrol(Name),
    /// Whether a text of many lines is to be sent as the one message it would be.
    Lines(String),
}

impl Question {
    /// What stands before the answer.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Name => "Your name: ".to_owned(),
            Self::Server(_) => "Type yes if it is the same: ".to_owned(),
            Self::Secret(SecretPrompt::Login(name), _) => format!("Password for {name}: "),
            Self::Secret(SecretPrompt::Current, _) => "Your password as it is: ".to_owned(),
            Self::Secret(SecretPrompt::New, _) => "The new password: ".to_owned(),
            Self::Secret(SecretPrompt::Again, _) => "The new password once more: ".to_owned(),
            Self::Enrol(_) => "Log in without a password from now on? [Y/n] ".to_owned(),
            Self::Lines(text) => {
                let lines = lines(text);
                format!("Send these {lines} lines as one message? [y/N] ")
            }
        }
    }

    /// Whether a lost connection is tried again only after the answer.
    pub(super) fn holds_link(&self) -> bool {
        match self {
            Self::Name | Self::Server(_) | Self::Secret(..) => true,
            Self::Enrol(_) | Self::Lines(_) => false,
        }
    }
}

/// Lines of a text; a line end at its end begins none.
pub(super) fn lines(text: &str) -> usize {
    text.lines().count()
}

/// Whether it was hardly meant to be sent without another look.
pub(super) fn is_long_paste(text: &str) -> bool {
    let lines = lines(text);
    lines > CLIENT_LINES_ASKED || (lines > 1 && text.len() > CLIENT_LINES_BYTES_ASKED)
}

impl Front {
    pub(super) fn ask_lines(&mut self, text: String) {
        self.question = Some(Question::Lines(text));
    }

    pub(super) fn answer_lines(&mut self, text: String, answer: &str, link: &mut Link) {
        match answer.to_ascii_lowercase().as_str() {
            "y" | "yes" => self.say_or_run(&text, link),
            "" | "n" | "no" => {
                self.editor.replace(text);
                self.screen
                    .say("not sent; it is still in the row. Ctrl-C clears it");
            }
            _ => {
                self.question = Some(Question::Lines(text));
                self.screen.complain("please answer y or n");
            }
        }
    }

    pub(super) fn ask_name(&mut self) {
        self.question = Some(Question::Name);
    }

    /// Offers the name one has on this machine, to be changed or taken with Enter.
    pub(super) fn suggest_name(&mut self) {
        let fits = |user: &String| Name::parse(user).is_ok_and(|name| !name.is_reserved());
        if let Some(user) = std::env::var("USER").ok().filter(fits) {
            self.editor.replace(user);
        }
    }

    pub(super) fn answer_name(&mut self, answer: &str, link: &mut Link) {
        match Name::parse(answer) {
            Ok(name) => link
                .session()
                .choose_name(name, &mut |news| self.hear(&news)),
            Err(error) => {
                self.screen.complain(&error.to_string());
                self.question = Some(Question::Name);
            }
        }
    }

    /// Decides about the server that has shown its key, or asks.
    pub(super) fn meet(&mut self, key: &PublicKey, link: &mut Link, trust: &Trust) {
        match trust.judge(key) {
            Decision::Accept => self.accept(key, link, trust),
            Decision::Ask(shown) => {
                self.screen.say(&format!(
                    "{} is not known here yet. Its fingerprint is\n\n    {}\n\n\
                     Compare it with the one the server printed when it started.",
                    trust.address(),
                    shown.grouped()
                ));
                self.editor.clear();
                self.question = Some(Question::Server(*key));
            }
            Decision::Refuse(words) => link.end(Ending::KeyRefused(words)),
        }
    }

    pub(super) fn answer_server(
        &mut self,
        key: &PublicKey,
        answer: &str,
        link: &mut Link,
        trust: &Trust,
    ) {
        match answer.to_ascii_lowercase().as_str() {
            "yes" => {}
            "" | "n" | "no" => return self.refuse_server(link),
            _ => {
                self.question = Some(Question::Server(*key));
                return self.screen.complain("please type yes or no");
            }
        }
        if let Err(why) = trust.remember(Fingerprint::of_server(key)) {
            return link.end(Ending::Failed(why));
        }
        self.accept(key, link, trust);
    }

    pub(super) fn refuse_server(&mut self, link: &mut Link) {
        link.end(Ending::KeyRefused(NOT_ACCEPTED.to_owned()));
    }

    fn accept(&mut self, key: &PublicKey, link: &mut Link, trust: &Trust) {
        match trust.identity_for(key) {
            Ok(identity) => {
                self.enrols_with = identity.is_some().then_some(*key);
                link.accept(identity.as_ref(), &mut |news| self.hear(&news));
            }
            Err(why) => link.end(Ending::Failed(why)),
        }
    }

    pub(super) fn ask_secret(&mut self, prompt: SecretPrompt) {
        if let SecretPrompt::Login(name) = prompt
            && !self.was_welcome
            && !self.is_refused
        {
            self.screen.say(&format!(
                "{name} is an account's name. Its password is not shown while you type it; an \
                 empty line gives up"
            ));
        }
        self.question = Some(Question::Secret(prompt, SecretLine::new()));
    }

    /// Answers the question for a password, once, if there is a file for that.
    pub(super) fn answer_from_file(&mut self, link: &mut Link) {
        let Some(Question::Secret(SecretPrompt::Login(_), _)) = self.question else {
            return;
        };
        let Some(Some(password)) = self.password.as_mut().map(PasswordFile::next_try) else {
            return;
        };
        self.question = None;
        self.give_secret(&password, link);
    }

    /// One key of a secret. Keys that move, cut or look back have nothing to do.
    pub(super) fn press_secret(&mut self, key: Key, link: &mut Link) {
        let Some(Question::Secret(_, line)) = &mut self.question else {
            return;
        };
        let edit = match key {
            Key::Character(character) => line.insert(character.encode_utf8(&mut [0; 4])),
            Key::Paste(text) => line.insert(&zeroize::Zeroizing::new(text)),
            Key::Backspace => line.backspace(),
            Key::CutToStart | Key::CutWord => line.clear(),
            Key::EndOfInput if line.is_empty() => return self.leave(link),
            Key::Enter => return self.finish_secret(true, link),
            Key::Pause => {
                self.is_pausing = true;
                return;
            }
            Key::Interrupt | Key::Escape | Key::Abort => return self.finish_secret(false, link),
            Key::Clear => return self.clear_screen(),
            Key::Resized => return,
            Key::NewLine
            | Key::Left
            | Key::Right
            | Key::WordLeft
            | Key::WordRight
            | Key::Home
            | Key::End
            | Key::Up
            | Key::Down
            | Key::Delete
            | Key::CutWordRight
            | Key::CutToEnd
            | Key::PutBack
            | Key::Complete
            | Key::Search
            | Key::EndOfInput => Edit::Nothing,
        };
        if edit == Edit::Nothing {
            self.screen.ring();
        }
    }

    /// The secret is typed, or given up.
    fn finish_secret(&mut self, is_given: bool, link: &mut Link) {
        let Some(Question::Secret(_, line)) = self.question.take() else {
            return;
        };
        let text = if is_given { line.text() } else { "" };
        self.give_secret(text, link);
    }

    fn give_secret(&mut self, text: &str, link: &mut Link) {
        let is_awaited = link
            .session()
            .give_secret(text, &mut |news| self.hear(&news));
        if !is_awaited {
            self.screen
                .complain("the connection was lost meanwhile; what you typed was not sent");
        }
    }

    pub(super) fn password_taken(&mut self, name: Name) {
        self.logged_in = Some(name);
        if let Some(password) = &mut self.password {
            password.taken();
        }
    }

    /// After a password was right: whether the key is to do instead.
    pub(super) fn offer_enrolment(&mut self, trust: &Trust) {
        if self.question.is_some() || !self.was_welcome {
            return;
        }
        let (Some(name), Some(key)) = (self.logged_in.take(), self.enrols_with) else {
            return;
        };
        if trust.may_enrol(&key, name) {
            self.draft = self.editor.take(false);
            self.question = Some(Question::Enrol(name));
        }
    }

    pub(super) fn answer_enrolment(
        &mut self,
        name: Name,
        answer: &str,
        link: &mut Link,
        trust: &Trust,
    ) {
        match answer.to_ascii_lowercase().as_str() {
            "" | "y" | "yes" => {
                link.session()
                    .run("/keys add", &mut |news| self.hear(&news));
            }
            "n" | "no" => {
                let key = self.enrols_with.as_ref();
                if let Some(Err(why)) = key.map(|key| trust.decline(key, name)) {
                    self.screen.complain(&why);
                }
                self.screen.say("/keys add does it whenever you like");
            }
            _ => {
                self.question = Some(Question::Enrol(name));
                return self.screen.complain("please answer y or n");
            }
        }
        self.editor.replace(std::mem::take(&mut self.draft));
    }
}
