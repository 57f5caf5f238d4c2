//! The command line of `pollcost`.

fn main() -> std::process::ExitCode {
    pollcost::cli::main(std::env::args_os())
}
