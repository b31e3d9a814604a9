//! The robot's binary; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    im_robot::cli::main()
}
