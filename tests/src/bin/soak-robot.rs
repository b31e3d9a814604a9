//! The real robot with the client's faults built in, to be chosen by the environment.

use std::process::ExitCode;

fn main() -> ExitCode {
    im_robot::cli::main()
}
