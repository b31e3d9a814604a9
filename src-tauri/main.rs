//! The desktop app. Everything is in the library, so that it can be linked by tests too.

use std::process::ExitCode;

fn main() -> ExitCode {
    instantmentor_lib::run()
}
