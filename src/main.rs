//! Arguments → command → exit code. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    wa_gateway::app::cli::main(std::env::args_os(), std::env::vars_os())
}
