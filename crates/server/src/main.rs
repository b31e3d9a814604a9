//! The server's binary; all of it is in the library.

use std::process::ExitCode;

/// Many small texts are made on one thread and dropped on another, which this one is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    im_server::cli::main()
}
