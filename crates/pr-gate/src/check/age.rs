//! The age of findings.

use std::sync::Mutex;

use annotations::KnownFinding;
use source_tree::blame;
use time::OffsetDateTime;

use crate::{Error, Project};

/// The number of git processes that run in parallel.
const AT_A_TIME: usize = 2;

/// Sets the day on which the first row of each finding was last changed, by `git blame`. The findings must be sorted by
/// file. Does nothing without a repository.
pub fn ask(project: &Project, findings: &mut [KnownFinding]) -> Result<(), Error> {
    let Some(git) = &project.tree.git else { return Ok(()) };
    let queue = Mutex::new(findings.chunk_by_mut(|a, b| a.finding.file == b.finding.file));
    let work = || -> Result<(), Error> {
        loop {
            let next = queue.lock().map_or(None, |mut queue| queue.next());
            let Some(of_file) = next else { return Ok(()) };
            let Some(file) = of_file.first().map(|known| &known.finding.file) else { continue };
            let rows = blame::blame(git, file)?;
            for known in of_file {
                let at = usize::try_from(known.finding.start.row).ok().and_then(|row| row.checked_sub(1));
                let row = at.and_then(|at| rows.get(at)).filter(|row| row.committed);
                known.first_seen = row
                    .and_then(|row| OffsetDateTime::from_unix_timestamp(row.time).ok())
                    .map(OffsetDateTime::date);
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        let own = work();
        workers.into_iter().fold(own, |all, worker| {
            all.and(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    })
}
