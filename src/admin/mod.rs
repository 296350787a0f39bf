//! What an operator does from a shell: `parlourd admin`, and the questions of the first start.
//!
//! What changes something goes over the control socket when a server uses the folder, and is asked
//! of the folder's own chat when none does, under the folder's lock: either way the chat decides.
//! What only reads reads the files.

mod backup;
mod clock;
mod export;
mod first_start;
mod folder;
mod log;
mod password;
mod prompt;
mod request;
mod tar;

pub use first_start::{First, first_password};

use crate::chat::EntryId;
use crate::config::{Mistake, Task};
use crate::control::Request;
use std::path::Path;

/// Does what `task` says with the data `folder`; what is to be printed at the end.
///
/// # Errors
///
/// A [`Mistake`] in words that say what to do.
pub fn run(folder: &Path, task: Task) -> Result<String, Mistake> {
    match task {
        Task::SetPassword {
            name,
            password_file,
        } => {
            let hash = match password_file {
                Some(file) => password::of_file(&file)?,
                None => password::asked_for(&name)?,
            };
            request::make(folder, &Request::SetPassword { name, hash })
        }
        Task::Grant { name } => grant(folder, name, true),
        Task::Revoke { name } => grant(folder, name, false),
        Task::RemoveAccount { name } => request::make(folder, &Request::RemoveAccount { name }),
        Task::Erase { room, id } => {
            let id = EntryId(id);
            request::make(folder, &Request::Erase { room, id })
        }
        Task::Compact => backup::compact(folder),
        Task::Log { user, follow } => log::show(folder, user.as_deref(), follow),
        Task::Accounts => export::accounts(folder),
        Task::Export { account } => export::account(folder, &account),
        Task::Backup { file } => backup::back_up(folder, &file),
        Task::Restore { file } => backup::restore(folder, &file),
    }
}

fn grant(folder: &Path, name: String, is_given: bool) -> Result<String, Mistake> {
    request::make(folder, &Request::Grant { name, is_given })
}
