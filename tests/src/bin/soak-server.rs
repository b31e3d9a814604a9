//! The real server with its faults built in, to be chosen by the environment.

use std::process::ExitCode;

fn main() -> ExitCode {
    im_server::cli::main()
}
