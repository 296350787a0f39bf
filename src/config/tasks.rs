//! What `parlourd admin` can be asked for.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The arguments of `parlourd admin`.
#[derive(Args)]
pub(super) struct TaskArguments {
    /// The data folder [default: as for the server itself]
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) data: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) task: Task,
}

/// One thing an operator wants done.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Give an account a new password; makes the account if there is none of that name
    SetPassword {
        /// Whose
        name: String,
        /// Read the password from the first line of this file instead of asking for it
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List all accounts
    Accounts,
    /// Give an account the right to administer the server
    Grant {
        /// Whose
        name: String,
    },
    /// Take that right from an account
    Revoke {
        /// Whose
        name: String,
    },
    /// End an account; its name stays reserved for a while
    RemoveAccount {
        /// Which
        name: String,
    },
    /// Copy everything, the server's key too, into one new file, while the server runs
    Backup {
        /// Where to
        file: PathBuf,
    },
    /// Bring a backup back, into an empty data folder
    Restore {
        /// Where from
        file: PathBuf,
    },
    /// Print what is kept about an account, as JSON
    Export {
        /// Whose
        #[arg(long, value_name = "NAME")]
        account: String,
    },
    /// Take back what was said: the text is deleted, its place stays
    Erase {
        /// In which room
        room: String,
        /// Which entry
        id: u64,
    },
    /// Write the database of a stopped server anew, without what was taken back or unused
    Compact,
    /// Show the activity log
    Log {
        /// Only what concerns this name
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// Go on with what is written from now on
        #[arg(long)]
        follow: bool,
    },
}
