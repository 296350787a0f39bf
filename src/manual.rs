//! Man pages and shell completions, made from what the command line says of itself.
//!
//! Both programs hand in what they tell clap, so a page cannot differ from `--help`; what has no
//! place there (files, variables, exit codes) comes as [`Section`]s. Knows neither program.

use clap::Command;
use clap_complete::generate;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use std::io;

pub use clap_complete::Shell;

/// A section that the command line knows nothing of: its title, and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// In capitals, as man pages have it.
    pub title: &'static str,
    /// Terms, each with its explanation.
    pub terms: &'static [(&'static str, &'static str)],
}

/// The man page of `command`, in section 1, with `sections` behind what it says itself.
pub fn page(command: &Command, sections: &[Section]) -> String {
    let bytes = render(command, sections).expect("a vector takes whatever is written");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn render(command: &Command, sections: &[Section]) -> io::Result<Vec<u8>> {
    let mut command = command.clone();
    command.build();
    let man = Man::new(command.clone()).manual("Parlour");
    let mut bytes = Vec::new();
    man.render_title(&mut bytes)?;
    man.render_name_section(&mut bytes)?;
    man.render_synopsis_section(&mut bytes)?;
    man.render_description_section(&mut bytes)?;
    man.render_options_section(&mut bytes)?;
    let mut rest = Roff::new();
    if command.get_subcommands().next().is_some() {
        rest.control("SH", ["COMMANDS"]);
        append_commands(&command, &mut rest);
    }
    for section in sections {
        rest.control("SH", [section.title]);
        for (term, explanation) in section.terms {
            append_term(vec![bold(*term)], explanation, &mut rest);
        }
    }
    rest.to_writer(&mut bytes)?;
    Ok(bytes)
}

/// What completes the words of `command` in `shell`.
pub fn completions(command: &Command, shell: Shell) -> String {
    let mut command = command.clone();
    let name = command.get_name().to_owned();
    let mut bytes = Vec::new();
    generate(shell, &mut command, name, &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every command below `parent` that does something, however deep, with its arguments.
fn append_commands(parent: &Command, out: &mut Roff) {
    for command in parent
        .get_subcommands()
        .filter(|found| !found.is_hide_set())
    {
        if command.has_subcommands() {
            append_commands(command, out);
            continue;
        }
        let about = command.get_about().map(ToString::to_string);
        let name = command.get_bin_name().unwrap_or(command.get_name());
        let mut term = vec![bold(name)];
        for argument in command.get_positionals() {
            term.push(roman(" "));
            term.push(italic(argument.to_string()));
        }
        append_term(term, &about.unwrap_or_default(), out);
        out.control("RS", []);
        for argument in command.get_arguments() {
            let is_own = !argument.is_global_set() && !argument.is_hide_set();
            if is_own && argument.get_id() != "help" {
                let help = argument.get_help().map(ToString::to_string);
                let term = vec![bold(argument.to_string())];
                append_term(term, &help.unwrap_or_default(), out);
            }
        }
        out.control("RE", []);
    }
}

fn append_term(term: Vec<Inline>, explanation: &str, out: &mut Roff) {
    out.control("TP", []);
    out.text(term);
    out.text([roman(explanation)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    fn command() -> Command {
        Command::new("tea").about("Make tea").subcommand(
            Command::new("pour")
                .about("Pour it out")
                .arg(Arg::new("CUP").required(true).help("Into which cup"))
                .arg(Arg::new("slowly").long("slowly").help("Take time")),
        )
    }

    #[test]
    fn a_page_has_the_commands_with_their_arguments_and_what_is_added() {
        let added = Section {
            title: "FILES",
            terms: &[("~/.tea", "how it is liked")],
        };
        let text = page(&command(), &[added]);
        let found: Vec<usize> = [
            "NAME",
            "tea pour",
            "<CUP>",
            "Pour it out",
            "Take time",
            "FILES",
            "how it is",
        ]
        .map(|word| {
            text.find(word)
                .unwrap_or_else(|| panic!("no {word} in {text}"))
        })
        .to_vec();
        assert!(found.is_sorted(), "{found:?}: {text}");
    }

    #[test]
    fn every_shell_is_told_of_the_flags() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            assert!(completions(&command(), shell).contains("slowly"), "{shell}");
        }
    }
}
