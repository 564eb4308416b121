//! SQLite's one writer: a thread that takes what is queued as a batch, gives each story its own
//! savepoint, commits once, and only then answers.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use diesel::prelude::*;
use tokio::sync::oneshot;

use super::Error;
use super::engine::{Conn, Failure};
use crate::crash::{self, Edge};

/// Stories in one commit at the most.
const BATCH: usize = 64;
/// Stories that may wait.
const QUEUE: usize = 4096;

pub(super) struct Writer {
    queue: SyncSender<Box<dyn Job>>,
}

impl Writer {
    pub(super) fn start(conn: SqliteConnection) -> Result<Self, Error> {
        let (queue, waiting) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || write(conn, &waiting))
            .map_err(|error| Error::Broken(error.to_string()))?;
        Ok(Self { queue })
    }

    pub(super) async fn run<T, F>(&self, story: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Conn<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Story {
            story,
            outcome: None,
            answer,
        });
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Error::Busy("too many writes are waiting".into()),
            TrySendError::Disconnected(_) => Error::Broken("the writer has ended".into()),
        })?;
        answered
            .await
            .map_err(|_| Error::Broken("the writer has ended".into()))?
    }
}

trait Job: Send {
    fn run(&mut self, conn: &mut SqliteConnection);
    fn answer(self: Box<Self>, commit: Result<(), Error>);
}

struct Story<T, F> {
    story: F,
    outcome: Option<Result<T, Error>>,
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Job for Story<T, F>
where
    T: Send,
    F: Fn(&mut Conn<'_>) -> Result<T, Error> + Send,
{
    fn run(&mut self, conn: &mut SqliteConnection) {
        let outcome = conn.transaction::<_, Failure, _>(|conn| {
            (self.story)(&mut Conn::Sqlite(conn)).map_err(Failure::Story)
        });
        self.outcome = Some(outcome.map_err(|failure| match failure {
            Failure::Story(error) => error,
            Failure::Commit(error) => error.into(),
        }));
    }

    fn answer(self: Box<Self>, commit: Result<(), Error>) {
        let outcome = match (commit, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(Error::Broken("the story was not run".into())),
        };
        // Whoever asked may have gone away; what was written stays written.
        let _ = self.answer.send(outcome);
    }
}

fn write(mut conn: SqliteConnection, waiting: &Receiver<Box<dyn Job>>) {
    while let Ok(first) = waiting.recv() {
        let mut jobs = vec![first];
        jobs.extend(waiting.try_iter().take(BATCH - 1));
        let commit = conn.immediate_transaction::<_, diesel::result::Error, _>(|conn| {
            for job in &mut jobs {
                job.run(conn);
            }
            crash::point(Edge::BeforeCommit);
            Ok(())
        });
        crash::point(Edge::AfterCommit);
        let commit = commit.map_err(|error| Error::Busy(error.to_string()));
        for job in jobs {
            job.answer(commit.clone());
        }
    }
}
