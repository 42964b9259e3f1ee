//! How old findings are.

use std::sync::Mutex;

use annotations::{Finding, FindingFacts};
use source_tree::blame;
use time::OffsetDateTime;

use crate::{Error, Project};

/// How many git processes run at a time.
const AT_A_TIME: usize = 2;

/// Asks git when the first row of each finding was last changed. The findings are sorted by file; `facts` are in their
/// order. Without a repository nobody knows.
pub fn ask(project: &Project, findings: &[Finding], facts: &mut [FindingFacts]) -> Result<(), Error> {
    let Some(git) = &project.tree.git else { return Ok(()) };
    let mut files = Vec::new();
    let mut rest = facts;
    for of_file in findings.chunk_by(|a, b| a.file == b.file) {
        let Some((own, others)) = std::mem::take(&mut rest).split_at_mut_checked(of_file.len()) else {
            break;
        };
        rest = others;
        files.push((of_file, own));
    }
    let queue = Mutex::new(files.into_iter());
    let work = || -> Result<(), Error> {
        loop {
            let next = queue.lock().map_or(None, |mut queue| queue.next());
            let Some((findings, facts)) = next else { return Ok(()) };
            let Some(file) = findings.first().map(|finding| &finding.file) else { continue };
            let rows = blame::blame(git, file)?;
            for (finding, facts) in findings.iter().zip(facts) {
                let at = usize::try_from(finding.start.row).ok().and_then(|row| row.checked_sub(1));
                let row = at.and_then(|at| rows.get(at)).filter(|row| row.committed);
                facts.first_seen = row
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
