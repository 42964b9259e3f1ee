//! Log files: a new one each day and whenever one is full, and a limited number of them.
//!
//! Lines go to `<name>.<day>`. A full file is renamed to `<name>.<day>.<number>`, which is atomic, and the next line
//! opens a new file. INVARIANT: the files together have at most `(backups + 1) * max_bytes` bytes. A line that can't
//! be written (a full disk, a missing folder) is dropped, and the next one is tried again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use registry_core::Clock;

/// How large log files may become, and how many are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// The size from which on a file is full, in bytes.
    pub max_bytes: u64,
    /// How many files are kept besides the one that is written to.
    pub backups: usize,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self { max_bytes: 64 * 1024 * 1024, backups: 14 }
    }
}

/// A writer of log lines: one call of `write` is one line.
pub struct RotatingFile {
    folder: PathBuf,
    name: String,
    limits: LogLimits,
    clock: Arc<dyn Clock>,
    open: Option<OpenLogFile>,
}

struct OpenLogFile {
    file: File,
    day: String,
    bytes: u64,
}

impl RotatingFile {
    /// Opens the file of the day.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(folder: &Path, name: &str, limits: LogLimits, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let mut log = Self { folder: folder.to_owned(), name: name.to_owned(), limits, clock, open: None };
        log.ready_for(0)?;
        Ok(log)
    }

    fn path_of(&self, day: &str) -> PathBuf {
        self.folder.join(format!("{}.{day}", self.name))
    }

    /// Makes sure that the open file is that of the day and has room for a line.
    fn ready_for(&mut self, bytes: u64) -> io::Result<&mut OpenLogFile> {
        let now = self.clock.now().to_string();
        let day = now.split('T').next().unwrap_or_default();
        if self.open.as_ref().is_none_or(|open| open.day != day) {
            self.open = Some(self.open_day(day)?);
            self.forget_oldest()?;
        }
        let full = |open: &OpenLogFile| open.bytes > 0 && open.bytes + bytes > self.limits.max_bytes;
        if self.open.as_ref().is_some_and(full) {
            self.rotate(day)?;
        }
        self.open.as_mut().ok_or_else(|| io::Error::other("no log file is open"))
    }

    fn open_day(&self, day: &str) -> io::Result<OpenLogFile> {
        let file = OpenOptions::new().create(true).append(true).open(self.path_of(day))?;
        let bytes = file.metadata()?.len();
        Ok(OpenLogFile { file, day: day.to_owned(), bytes })
    }

    /// Until the full file has another name, nothing is written: the bound goes before the line.
    fn rotate(&mut self, day: &str) -> io::Result<()> {
        let numbers = self.files()?.into_iter().filter(|file| file.day == day).filter_map(|file| file.number);
        let next = numbers.max().unwrap_or(0) + 1;
        let path = self.path_of(day);
        fs::rename(&path, self.folder.join(format!("{}.{day}.{next:06}", self.name)))?;
        self.open = Some(self.open_day(day)?);
        self.forget_oldest()
    }

    /// Removes the oldest files beyond what is kept.
    fn forget_oldest(&self) -> io::Result<()> {
        let mut files = self.files()?;
        // The file of a day without a number is the last of that day.
        files.sort_by_key(|file| (file.day.clone(), file.number.unwrap_or(u64::MAX)));
        let kept = self.limits.backups.saturating_add(1);
        let beyond = files.len().saturating_sub(kept);
        files.iter().take(beyond).try_for_each(|file| fs::remove_file(&file.path))
    }

    /// The files of this log. Others in the folder are left alone.
    fn files(&self) -> io::Result<Vec<LogFile>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(rest) = name.and_then(|name| name.strip_prefix(&self.name)?.strip_prefix('.')) else {
                continue;
            };
            let (day, number) = rest.split_once('.').map_or((rest, None), |(day, n)| (day, Some(n)));
            let number = number.map(str::parse::<u64>).transpose();
            if let (true, Ok(number)) = (is_day(day), number) {
                files.push(LogFile { day: day.to_owned(), number, path });
            }
        }
        Ok(files)
    }
}

struct LogFile {
    day: String,
    number: Option<u64>,
    path: PathBuf,
}

fn is_day(text: &str) -> bool {
    let shape = |(place, byte): (usize, u8)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(shape)
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let open = self.ready_for(bytes)?;
        // Also what a failed write may have left behind counts.
        open.bytes = open.bytes.saturating_add(bytes);
        open.file.write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |open| open.file.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use registry_core::{ManualClock, Timestamp};

    const LIMITS: LogLimits = LogLimits { max_bytes: 100, backups: 2 };

    fn log(folder: &Path) -> (Arc<ManualClock>, RotatingFile) {
        let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-01-15T23:00:00Z").unwrap()));
        let log = RotatingFile::open(folder, "api.log", LIMITS, clock.clone()).unwrap();
        (clock, log)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_full_file_gets_a_number_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("api.log.backup"), "not a file of this log").unwrap();
        let (clock, mut log) = log(folder.path());
        let line = [b'x'; 40];
        for _ in 0..5 {
            log.write_all(&line).unwrap();
        }
        let expected = ["api.log.2026-01-15", "api.log.2026-01-15.000001", "api.log.2026-01-15.000002"];
        assert_eq!(names(folder.path())[..3], expected);
        clock.advance_micros(3_600_000_000);
        for _ in 0..3 {
            log.write_all(&line).unwrap();
        }
        let expected =
            ["api.log.2026-01-15", "api.log.2026-01-16", "api.log.2026-01-16.000001", "api.log.backup"];
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn all_files_together_are_bounded_however_much_is_logged() {
        let folder = tempfile::tempdir().unwrap();
        let (clock, mut log) = log(folder.path());
        for n in 0..500_usize {
            clock.advance_micros(600_000_000);
            log.write_all(&vec![b'x'; n % 100 + 1]).unwrap();
            let sizes = names(folder.path()).into_iter().map(|name| fs::metadata(folder.path().join(name)));
            let all: u64 = sizes.map(|meta| meta.unwrap().len()).sum();
            assert!(all <= 300, "{all}");
        }
    }

    #[test]
    fn a_file_goes_on_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let (_, mut log) = log(folder.path());
            log.write_all(b"one line\n").unwrap();
        }
        let text = fs::read_to_string(folder.path().join("api.log.2026-01-15")).unwrap();
        assert_eq!(text, "one line\none line\n");
    }

    #[test]
    fn a_line_that_can_not_be_written_is_dropped_and_the_next_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        fs::create_dir(&logs).unwrap();
        let (clock, mut log) = log(&logs);
        fs::remove_dir_all(&logs).unwrap();
        clock.advance_micros(24 * 3_600_000_000);
        assert!(log.write_all(b"lost\n").is_err());
        fs::create_dir(&logs).unwrap();
        log.write_all(b"kept\n").unwrap();
        assert_eq!(fs::read_to_string(logs.join("api.log.2026-01-16")).unwrap(), "kept\n");
        // A disk without room, as Linux has it for tests.
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        log.open = Some(OpenLogFile { file: full, day: "2026-01-16".to_owned(), bytes: 0 });
        assert!(log.write_all(b"lost\n").is_err());
    }
}
