//! SQLite's one writer: a thread that takes what is queued as a batch, commits once, and only then
//! answers. A story that fails is undone alone.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use diesel::prelude::*;
use tokio::sync::oneshot;

use super::Error;
use super::engine::Conn;
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

/// Why a transaction was undone.
enum Undone {
    /// A story of it failed.
    Story,
    /// The database, at BEGIN or COMMIT.
    Commit(diesel::result::Error),
}

impl From<diesel::result::Error> for Undone {
    fn from(error: diesel::result::Error) -> Self {
        Self::Commit(error)
    }
}

trait Job: Send {
    /// Runs the story and keeps what came of it; `false` when it failed.
    fn run(&mut self, conn: &mut SqliteConnection) -> bool;
    /// The story stands for nothing.
    fn fail(&mut self, error: Error);
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
    fn run(&mut self, conn: &mut SqliteConnection) -> bool {
        let outcome = (self.story)(&mut Conn::Sqlite(conn));
        let good = outcome.is_ok();
        self.outcome = Some(outcome);
        good
    }

    fn fail(&mut self, error: Error) {
        self.outcome = Some(Err(error));
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
        let commit = match together(&mut conn, &mut jobs) {
            // A story that fails alone is undone with its transaction.
            Err(Undone::Story) if jobs.len() == 1 => Ok(()),
            Err(Undone::Story) => apart(&mut conn, &mut jobs),
            other => other,
        };
        crash::point(Edge::AfterCommit);
        let commit = commit.map_err(|undone| match undone {
            Undone::Story => Error::Broken("a story failed outside its savepoint".into()),
            Undone::Commit(error) => match Error::from(error) {
                Error::Broken(why) => Error::Busy(why),
                other => other,
            },
        });
        for job in jobs {
            job.answer(commit.clone());
        }
    }
}

/// All stories in one transaction, without savepoints: a story that fails is rare, and undoes the
/// whole batch, which is then run again by [`apart`].
fn together(conn: &mut SqliteConnection, jobs: &mut [Box<dyn Job>]) -> Result<(), Undone> {
    conn.immediate_transaction(|conn| {
        for job in jobs {
            if !job.run(conn) {
                return Err(Undone::Story);
            }
        }
        crash::point(Edge::BeforeCommit);
        Ok(())
    })
}

/// All stories in one transaction, each behind a savepoint of its own, so that one that fails
/// takes none with it.
fn apart(conn: &mut SqliteConnection, jobs: &mut [Box<dyn Job>]) -> Result<(), Undone> {
    conn.immediate_transaction(|conn| {
        for job in jobs {
            let kept = conn.transaction(|conn| {
                if job.run(conn) {
                    Ok(())
                } else {
                    Err(Undone::Story)
                }
            });
            if let Err(Undone::Commit(error)) = kept {
                job.fail(error.into());
            }
        }
        crash::point(Edge::BeforeCommit);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn add(c: &mut Conn<'_>, n: i32) -> Result<i32, Error> {
        let Conn::Sqlite(conn) = c else {
            return Err(Error::Broken("another engine".into()));
        };
        diesel::sql_query(format!("INSERT INTO t VALUES ({n})")).execute(*conn)?;
        Ok(n)
    }

    /// A job, and where its answer comes.
    fn job(
        story: impl Fn(&mut Conn<'_>) -> Result<i32, Error> + Send + 'static,
    ) -> (Box<dyn Job>, oneshot::Receiver<Result<i32, Error>>) {
        let (answer, answered) = oneshot::channel();
        let job = Story {
            story,
            outcome: None,
            answer,
        };
        (Box::new(job), answered)
    }

    fn rows(conn: &mut SqliteConnection) -> Vec<i32> {
        diesel::sql_query("SELECT n FROM t ORDER BY n")
            .load::<Row>(conn)
            .unwrap()
            .into_iter()
            .map(|row| row.n)
            .collect()
    }

    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        n: i32,
    }

    #[test]
    fn a_story_that_fails_takes_none_of_its_batch_with_it() {
        let folder = std::env::temp_dir().join(crate::rng::Rng::System.id());
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("t.db").display().to_string();
        let mut conn = SqliteConnection::establish(&path).unwrap();
        diesel::sql_query("CREATE TABLE t (n INTEGER PRIMARY KEY)")
            .execute(&mut conn)
            .unwrap();
        for fails in [None, Some(0), Some(1), Some(2)] {
            diesel::sql_query("DELETE FROM t")
                .execute(&mut conn)
                .unwrap();
            let runs = Arc::new(AtomicUsize::new(0));
            let (queue, waiting) = sync_channel(9);
            let answers: Vec<_> = (0..3)
                .map(|n| {
                    let runs = runs.clone();
                    let (job, answered) = job(move |c| {
                        runs.fetch_add(1, Ordering::Relaxed);
                        add(c, n)?;
                        match fails {
                            Some(bad) if bad == n => Err(Error::Broken("no".into())),
                            _ => Ok(n),
                        }
                    });
                    queue.send(job).unwrap();
                    answered
                })
                .collect();
            drop(queue);
            write(SqliteConnection::establish(&path).unwrap(), &waiting);
            let good: Vec<i32> = answers
                .into_iter()
                .filter_map(|answered| answered.blocking_recv().unwrap().ok())
                .collect();
            let wanted: Vec<i32> = (0..3).filter(|n| Some(*n) != fails).collect();
            assert_eq!(good, wanted, "{fails:?}");
            assert_eq!(rows(&mut conn), wanted, "{fails:?}");
            // Nobody ran twice where nobody failed.
            assert_eq!(runs.load(Ordering::Relaxed) == 3, fails.is_none());
        }
        // Alone it is undone too, and not tried again.
        diesel::sql_query("DELETE FROM t")
            .execute(&mut conn)
            .unwrap();
        let (queue, waiting) = sync_channel(9);
        let runs = Arc::new(AtomicUsize::new(0));
        let (alone, answered) = {
            let runs = runs.clone();
            job(move |c| {
                runs.fetch_add(1, Ordering::Relaxed);
                add(c, 7)?;
                Err(Error::Broken("no".into()))
            })
        };
        queue.send(alone).unwrap();
        drop(queue);
        write(SqliteConnection::establish(&path).unwrap(), &waiting);
        assert!(answered.blocking_recv().unwrap().is_err());
        assert_eq!((rows(&mut conn), runs.load(Ordering::Relaxed)), (vec![], 1));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
