//! The folder of received files: named on the command line, remembered, or asked for once.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use super::files::Downloads;
use super::folder::{shown_path, typed_path};
use super::settings::Settings;

/// Where received files go when the user has no other wish, beneath the home folder.
const DEFAULT: &str = "Downloads/Parlour";

/// Finds the folder and makes it. At the first start the user is asked, and the answer remembered.
///
/// # Errors
///
/// In words, when it cannot be made or the user gave no answer.
pub fn find(flag: Option<&Path>, settings: &Settings) -> Result<Downloads, String> {
    let named = flag.or(settings.downloads.as_deref());
    match named {
        Some(folder) => open(folder),
        None => ask(io::stdin().lock(), io::stdout()),
    }
}

fn open(path: &Path) -> Result<Downloads, String> {
    let failed = |error: io::Error| format!("the folder {}: {error}", path.display());
    let path = std::path::absolute(typed_path(path)).map_err(failed)?;
    Downloads::open(&path).map_err(|error| error.to_string())
}

/// Asks until there is a folder.
fn ask(mut input: impl BufRead, mut out: impl Write) -> Result<Downloads, String> {
    let default = std::env::var_os("HOME").map(PathBuf::from);
    let default = default.map_or(PathBuf::from("Parlour"), |home| home.join(DEFAULT));
    let shown = shown_path(&default);
    let gone = |error: io::Error| format!("no folder for received files was named: {error}");
    loop {
        let question = "Files that others send you, and that you accept, go to one folder and \
                        nowhere else.\nWhich? Enter takes ";
        write!(out, "{question}{shown}: ").map_err(gone)?;
        out.flush().map_err(gone)?;
        let mut answer = String::new();
        if input.read_line(&mut answer).map_err(gone)? == 0 {
            return Err("no folder for received files was named; --downloads DIR does".to_owned());
        }
        // Who agrees names no folder `yes`.
        let folder = match answer.trim() {
            "" | "y" | "yes" | "Yes" | "YES" => shown.as_str(),
            answer => answer,
        };
        let said = match open(folder.as_ref()) {
            Ok(downloads) => {
                let remembered = Settings::remember_downloads(downloads.path());
                remembered
                    .or_else(|why| writeln!(out, "{why}"))
                    .map_err(gone)?;
                return Ok(downloads);
            }
            Err(why) => why,
        };
        writeln!(out, "{said}").map_err(gone)?;
    }
}
