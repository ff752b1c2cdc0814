//! What waits for the writer: a closure, its outcome, and who is told of it.

use super::{StoreError, WriteTx, queue::InLane};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tokio::sync::oneshot;

/// One closure that waits for the writer, whatever it answers.
pub(super) trait WriteJob: Send {
    /// Runs the closure; says whether its work is to be kept.
    fn run(&mut self, tx: &WriteTx<'_>) -> bool;
    /// Whether it may run again after what it did was undone.
    fn may_run_again(&self) -> bool;
    /// Tells the caller, after the commit or after its failure.
    fn finish(self: Box<Self>, commit: Result<(), String>);
}

/// A closure on its way to the writer.
pub(super) type Queued = InLane<Box<dyn WriteJob>>;

/// What a closure is to the writer.
pub(super) trait Work<T, E> {
    /// Whether it may run again.
    const AGAIN: bool;
    /// Runs it; none: it ran already and cannot again.
    fn run(&mut self, tx: &WriteTx<'_>) -> Option<Result<T, E>>;
}

/// A closure that runs once.
pub(super) struct Once<F>(pub(super) Option<F>);

/// A closure that may run again.
pub(super) struct Repeatable<F>(pub(super) F);

impl<T, E, F: FnOnce(&WriteTx<'_>) -> Result<T, E>> Work<T, E> for Once<F> {
    const AGAIN: bool = false;
    fn run(&mut self, tx: &WriteTx<'_>) -> Option<Result<T, E>> {
        self.0.take().map(|work| work(tx))
    }
}

impl<T, E, F: Fn(&WriteTx<'_>) -> Result<T, E>> Work<T, E> for Repeatable<F> {
    const AGAIN: bool = true;
    fn run(&mut self, tx: &WriteTx<'_>) -> Option<Result<T, E>> {
        Some(self.0(tx))
    }
}

/// A closure, what it answered last, and who waits for that.
pub(super) struct Closure<W, T, E> {
    work: W,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<W, T, E> Closure<W, T, E> {
    pub(super) fn new(work: W, reply: oneshot::Sender<Result<T, E>>) -> Self {
        Self { work, outcome: None, reply }
    }
}

impl<W, T, E> WriteJob for Closure<W, T, E>
where
    W: Work<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &WriteTx<'_>) -> bool {
        let outcome = match catch_unwind(AssertUnwindSafe(|| self.work.run(tx))) {
            Ok(Some(outcome)) => outcome,
            Ok(None) => return false,
            Err(panic) => Err(StoreError::Panicked(panic_text(&*panic)).into()),
        };
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn may_run_again(&self) -> bool {
        W::AGAIN
    }

    fn finish(self: Box<Self>, commit: Result<(), String>) {
        let Self { work, outcome, reply } = *self;
        // What it holds is the caller's alone again once the caller is told.
        drop(work);
        let answer = match (outcome, commit) {
            (Some(Err(e)), _) => Err(e),
            (_, Err(problem)) => Err(StoreError::Unavailable(problem).into()),
            (Some(outcome), Ok(())) => outcome,
            (None, Ok(())) => Err(StoreError::Stopping.into()),
        };
        // The caller may have gone; its work is done all the same.
        let _ = reply.send(answer);
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use std::sync::{Arc, Mutex};

    type Told = Arc<Mutex<oneshot::Receiver<Result<(), StoreError>>>>;

    /// Notes when it is let go of whether the caller had been told by then.
    struct Held(Told, Arc<Mutex<Vec<bool>>>);

    impl Drop for Held {
        fn drop(&mut self) {
            let is_told = self.0.lock().expect("no holder panics").try_recv().is_ok();
            self.1.lock().expect("no holder panics").push(is_told);
        }
    }

    #[test]
    fn what_a_closure_holds_is_let_go_of_before_its_caller_is_told() {
        let connection = Connection::open_in_memory().expect("memory");
        let (reply, answer) = oneshot::channel();
        let (answer, told) = (Arc::new(Mutex::new(answer)), Arc::new(Mutex::new(Vec::new())));
        let held = Held(answer.clone(), told.clone());
        let work = Repeatable(move |_: &WriteTx<'_>| {
            let _ = &held;
            Ok(())
        });
        let mut job: Box<dyn WriteJob> = Box::new(Closure::new(work, reply));
        assert!(job.run(&WriteTx::new(&connection, false)));
        assert!(job.run(&WriteTx::new(&connection, true)), "it may run again");
        job.finish(Ok(()));
        assert_eq!(*told.lock().expect("no holder panics"), [false]);
        answer.lock().expect("no holder panics").try_recv().expect("told").expect("kept");
    }
}
