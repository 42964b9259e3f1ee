//! One check and its page.

use std::path::PathBuf;

use annotations::{CheckReport, Weights};
use pr_gate::check::{CheckQuestion, gather};
use pr_gate::dashboard::history::{self, HistoryEntry};
use pr_gate::dashboard::{DashboardPage, history_file};
use pr_gate::output::{self, Header};
use pr_gate::{Error, Progress, Project};
use registry_core::{Clock as _, SystemClock, Timestamp};
use source_tree::Launcher;

/// How a check is done, as often as it is wanted.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The folder whose project is checked.
    pub folder: PathBuf,
    /// What is asked.
    pub question: CheckQuestion,
    /// The history's file, where the command line names one.
    pub history: Option<PathBuf>,
    /// Whether the history grows.
    pub record: bool,
    /// The page's file, where the command line names one.
    pub output: Option<PathBuf>,
    /// What starts git and the linter.
    pub launcher: Launcher,
    /// The ruff that the command line names.
    pub ruff: Option<PathBuf>,
}

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    project: String,
    tool: String,
    paths: Vec<String>,
    codes: Vec<String>,
    report: CheckReport,
    history: Vec<HistoryEntry>,
    weights: Weights,
    goal: u64,
    at: Timestamp,
}

impl Recipe {
    /// The project. Read anew each time: a served page follows `t4.toml`.
    pub fn project(&self) -> Result<Project, Error> {
        Ok(Project { ruff: self.ruff.clone(), ..Project::find(&self.folder, &self.launcher)? })
    }

    /// Checks the tree as it is now. The history gets an entry unless it has one that is younger than
    /// `apart_seconds`.
    pub fn check(&self, progress: &dyn Progress, apart_seconds: i64) -> Result<Checked, Error> {
        let project = self.project()?;
        let file = history_file(&project, self.history.as_deref())?;
        // A broken history is told before the linter is waited for.
        let mut history = history::read(&file)?;
        let gathered = gather(&project, &self.question, progress)?;
        let at = SystemClock::new().now();
        let today = time::OffsetDateTime::from_unix_timestamp(at.unix_seconds())
            .map_or(time::Date::MIN, time::OffsetDateTime::date);
        let report = gathered.check(&project, today);
        let entry = HistoryEntry::of(&report, at);
        if self.record {
            history = history::record(&file, entry, apart_seconds)?;
        } else {
            history.retain(|entry| entry.timestamp > at.plus_days(-history::KEPT_DAYS));
            history.push(entry);
        }
        let name = project
            .tree
            .root
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Checked {
            project: name,
            tool: gathered.tool,
            paths: gathered.paths,
            codes: gathered.codes,
            report,
            history,
            weights: project.settings.weights(),
            goal: project.settings.dashboard.goal,
            at,
        })
    }
}

impl Checked {
    /// The page; see [`DashboardPage`] for what can be asked of it.
    pub fn page(
        &self,
        reload: Option<u32>,
        live: Option<u64>,
        failure: Option<&str>,
    ) -> Result<String, Error> {
        let page = DashboardPage {
            project: &self.project,
            tool: &self.tool,
            report: &self.report,
            history: &self.history,
            weights: &self.weights,
            goal: self.goal,
            generated_at: self.at,
            reload,
            live,
            failure,
        };
        page.html()
    }

    /// The report as `t4 check --json` prints it.
    pub fn json(&self) -> Result<String, Error> {
        let header = Header {
            checked_at: &self.at.to_string(),
            tool: &self.tool,
            paths: &self.paths,
            codes: &self.codes,
            since: None,
        };
        output::json::render(&header, &self.report).map_err(|error| Error::unreadable("the report", error))
    }

    /// How many findings there are.
    pub fn findings(&self) -> usize {
        self.report.summary.total_findings
    }

    /// How many of them nothing answers for.
    pub fn unannotated(&self) -> usize {
        self.report.summary.unannotated
    }
}
