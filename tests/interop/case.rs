//! One case of a client library: its program against a server of its own.

use std::env;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::process::{Line, Process};
use crate::server::{Kind, Server};
use crate::workshop::{Workshop, scripts};

/// How long a case may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The names of the functions that a Python file marks with `@case`.
pub(crate) fn marked_in_python(text: &'static str) -> Vec<&'static str> {
    let mut marked = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line != "@case" {
            continue;
        }
        let name = lines.next().and_then(|line| line.strip_prefix("async ").unwrap_or(line).strip_prefix("def "));
        marked.extend(name.and_then(|rest| Some(rest.split_once('(')?.0)));
    }
    marked
}

/// The names that a C file marks with `CASE(name)`.
pub(crate) fn marked_in_c(text: &'static str) -> Vec<&'static str> {
    text.lines().filter_map(|line| Some(line.strip_prefix("CASE(")?.split_once(')')?.0)).collect()
}

/// Runs a case; `script` is a Python file, or `libca.c` for the program made of it.
pub(crate) fn run(workshop: &Workshop, script: &str, name: &str) -> Result<(), Failed> {
    let reference = env::var("POLLCOST_INTEROP_SERVER").is_ok_and(|value| value == "softioc");
    written_against(workshop, if reference { Kind::SoftIoc } else { Kind::Own }, script, name).map(|_| ())
}

/// What becomes of values that are put in every type and read in every type must be the same with our IOC and a softIoc.
pub(crate) fn conversions(workshop: &Workshop) -> Result<(), Failed> {
    let report = |kind| -> Result<Vec<String>, Failed> {
        let written = written_against(workshop, kind, "libca.c", "conversions")?;
        Ok(written.lines().filter(|line| line.contains(" <- ")).map(str::to_owned).collect())
    };
    let (own, reference) = (report(Kind::Own)?, report(Kind::SoftIoc)?);
    if own == reference && !own.is_empty() {
        return Ok(());
    }
    let differ = own.iter().zip(&reference).filter(|(own, reference)| own != reference);
    let shown: Vec<String> = differ.take(40).map(|(own, reference)| format!("-{reference}\n+{own}")).collect();
    Err(format!("- softIoc, + ours\n{}", shown.join("\n")).into())
}

/// Runs a client against a server of its own and gives what the client wrote.
fn written_against(workshop: &Workshop, kind: Kind, script: &str, name: &str) -> Result<String, Failed> {
    let mut server = Server::start(workshop, kind)?;
    let mut command = match script.strip_suffix(".c") {
        Some(_) => Command::new(workshop.libca.as_ref()?),
        None => {
            let mut command = Command::new(&workshop.python);
            command.arg("-u").arg(scripts().join(script)).env("PYTHONDONTWRITEBYTECODE", "1");
            command
        }
    };
    command.arg(name).env("EPICS_CA_ADDR_LIST", format!("{}:{}", Ipv4Addr::LOCALHOST, server.port));
    command.env("EPICS_CA_AUTO_ADDR_LIST", "NO").env("EPICS_CA_SERVER_PORT", server.port.to_string());
    command.env("EPICS_CA_REPEATER_PORT", server.repeater.port()?.to_string());
    command.env("EPICS_CA_MAX_ARRAY_BYTES", "1000000");
    let mut client = Process::start(&mut command)?;
    let outcome = serve(&mut client, &mut server);
    if let Err(why) = outcome {
        return Err(format!("{why}\nclient:\n{}\nserver:\n{}", client.written(), server.written()).into());
    }
    let written = client.written();
    drop(client);
    server.close()?;
    Ok(written)
}

/// Stops and starts the server as the client asks, until the client ends.
fn serve(client: &mut Process, server: &mut Server<'_>) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match client.line(deadline) {
            Line::Text(line) => match line.as_str() {
                "@stop" => {
                    server.stop()?;
                    client.tell("stopped")?;
                }
                "@start" => {
                    server.restart()?;
                    client.tell("started")?;
                }
                _ => {}
            },
            Line::End => break,
            Line::Late => return Err(format!("not done after {PATIENCE:?}")),
        }
    }
    let status = client.end()?;
    if status.success() { Ok(()) } else { Err(format!("the client ended with {status}")) }
}
