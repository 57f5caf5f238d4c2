//! The clients of a run under the meters: which processes they are, and a reading at an instant.

use tokio::sync::oneshot;

use super::client_child::ClientChild;
use super::meter::{Reading, Subject};
use super::timer;
use crate::time::{Span, Tick};

/// How long before a reading the processes of the clients are looked up.
const LOOK_UP: Span = Span::from_millis(10);

/// A client under the meters, and whether it may have started processes of its own.
#[derive(Clone, Debug)]
pub(super) struct Metered {
    pid: u32,
    may_have_children: bool,
    hogs: Vec<u32>,
}

impl Metered {
    pub(super) fn of(child: &ClientChild) -> Metered {
        Metered { pid: child.pid(), may_have_children: child.may_have_children(), hogs: child.hogs() }
    }
}

/// The clients with the processes that they have started by now.
pub(super) fn found(clients: &[Metered]) -> Vec<Subject> {
    let subject = |client: &Metered| {
        let mut subject = Subject { hogs: client.hogs.clone(), ..Subject::alone(client.pid) };
        if client.may_have_children {
            subject.find_others();
        }
        subject
    };
    clients.iter().map(subject).collect()
}

/// Reads the meters at an instant, on a thread that sleeps until then. Which processes there are is looked up shortly before.
pub(super) fn reading_at(at: Tick, ioc: u32, clients: &[Metered]) -> oneshot::Receiver<Reading> {
    let (sender, receiver) = oneshot::channel();
    let clients = clients.to_vec();
    std::thread::spawn(move || {
        timer::sharpen();
        timer::sleep_until(at - LOOK_UP);
        let clients = found(&clients);
        timer::sleep_until(at);
        let _ = sender.send(Reading::take(ioc, &clients));
    });
    receiver
}
