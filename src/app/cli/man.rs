//! `wa-gateway man` and `wa-gateway completions SHELL`: made from the same description of the commands as `--help`.

use clap::CommandFactory;
use clap_complete::Shell;
use std::{
    io::{self, Write},
    path::PathBuf,
};

#[derive(clap::Args)]
pub(super) struct Man {
    /// Write one page for each command into this directory, instead of the first on stdout
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct Completions {
    /// For which shell
    shell: Shell,
}

impl Man {
    pub(super) fn run(self) -> Result<(), String> {
        let command = super::Cli::command();
        match self.dir {
            Some(dir) => clap_mangen::generate_to(command, &dir).map_err(|e| format!("{}: {e}", dir.display())),
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(command).render(&mut page).map_err(|e| e.to_string())?;
                print(&page)
            }
        }
    }
}

impl Completions {
    pub(super) fn run(self) -> Result<(), String> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "wa-gateway", &mut script);
        print(&script)
    }
}

/// A reader that went away is no error.
fn print(bytes: &[u8]) -> Result<(), String> {
    match io::stdout().write_all(bytes) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(e.to_string()),
        _ => Ok(()),
    }
}
