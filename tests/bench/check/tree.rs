//! The tree that is measured: modules of the sizes that people write, with findings, annotations and legacy ones.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Modules of a package.
const PACKAGE: usize = 40;

/// How many functions and classes a module has: the first of these twenty sizes is as likely as the last.
const SIZES: [usize; 20] = [0, 1, 3, 5, 7, 9, 11, 13, 15, 16, 17, 18, 20, 22, 25, 28, 32, 38, 50, 80];

/// What the linter finds, and what stands around it. `@` is where an annotation goes, `$` a number. The first is
/// imports, the most frequent finding of all.
const FINDINGS: [(&str, &str); 11] = [
    ("F401", "import os.path as unused_$@\n"),
    ("F821", "\n\ndef undefined_$(value):\n    return value + missing_$@\n"),
    ("B008", "\n\ndef stamped_$(at=time.time()):@\n    return at\n"),
    (
        "B904",
        "\n\ndef strict_$(values):\n    try:\n        return values[0]\n    except IndexError:\n        raise KeyError(\"x\")@\n",
    ),
    ("B018", "\n\ndef useless_$(value):\n    [value, value]@\n    return value\n"),
    ("SIM102", "\n\ndef nested_$(a, b):\n    if a:@\n        if b:\n            return 1\n    return 2\n"),
    (
        "SIM105",
        "\n\ndef quiet_$(path):\n    try:@\n        path.unlink()\n    except OSError:\n        pass\n",
    ),
    ("E701", "\n\ndef short_$(a, b):\n    if a: return b@\n    return a\n"),
    ("E702", "\n\ndef two_$(a):\n    b = a; c = b@\n    return c\n"),
    ("RUF006", "\n\nasync def spawn_$(work):\n    asyncio.create_task(work())@\n"),
    ("RUF012", "\n\nclass Shared_$:\n    items = []@\n"),
];

/// What modules are made of.
const BLOCKS: [&str; 5] = [
    "\n\ndef collect_$(records, *, limit=None):\n    \"\"\"Collect what the records of part $ say, by name.\n\n    Records without a name are left out.\n    \"\"\"\n    result = {}\n    for name, value in sorted(records.items()):\n        if limit is not None and len(result) >= limit:\n            logger.warning(\"more than %d records\", limit)\n            break\n        if name and value is not None:\n            result[name.strip()] = json.dumps(value, sort_keys=True)\n    return result\n",
    "\n\nclass Store_$:\n    \"\"\"Keeps records of kind $.\"\"\"\n\n    def __init__(self, folder: Path, size: int = $) -> None:\n        self.folder = folder\n        self.size = size\n        self._cache: dict[str, str] = {}\n\n    def get(self, name: str, default: str = \"\") -> str:\n        # A record that was read before is not read again.\n        if name not in self._cache:\n            path = self.folder / f\"{name}.json\"\n            self._cache[name] = path.read_text() if path.exists() else default\n        return self._cache[name]\n\n    def __len__(self) -> int:\n        return sum(len(value) for value in self._cache.values())\n",
    "\n\nasync def fetch_$(client, names, *, attempts=3):\n    \"\"\"Ask the client for each name.\"\"\"\n    answers = []\n    for name in names:\n        for attempt in range(attempts):\n            answer = await client.get(f\"/records/{name}\", params={\"part\": $, \"attempt\": attempt})\n            if answer.status == 200:\n                answers.append(answer.json())\n                break\n            await asyncio.sleep(0.1 * (attempt + 1))\n    return [answer for answer in answers if answer.get(\"kind\") == \"part-$\"]\n",
    "\n\nLIMITS_$ = {\n    \"records\": 1_000,\n    \"bytes\": 64 * 1024,\n    \"names\": (\"first\", \"second\", \"third\"),\n    \"pattern\": r\"^[a-z]+-$-\",\n}\n",
    "\n\ndef parse_$(text: str) -> tuple[str, float]:\n    \"\"\"Split a row into its name and its number.\"\"\"\n    name, _, number = text.partition(\"=\")\n    try:\n        return name.strip(), float(number or 0)\n    except ValueError as error:\n        raise ValueError(f\"row {text!r} of part $ has no number\") from error\n    finally:\n        logger.debug(\"read %s at %s\", name, time.time())\n",
];

/// What is different from one tree to the next.
#[derive(Clone, Copy)]
pub struct Kind {
    pub files: usize,
    /// Each how many-th module has annotations that answer for nothing any more.
    pub stale_each: Option<usize>,
    /// Each how many-th module has a legacy annotation whose owner git has to be asked for.
    pub legacy_each: usize,
}

/// Writes a repository, and commits it.
pub fn write(root: &Path, kind: Kind) {
    for n in 0..kind.files {
        let path = root.join(name(n));
        std::fs::create_dir_all(path.parent().expect("a package")).expect("folders");
        std::fs::write(path, module(n, kind)).expect("a module");
    }
    commit(root);
}

/// Copies the Python sources of a folder, as many as are asked for, and commits them.
pub fn copy(from: &Path, root: &Path, files: usize) {
    let mut folders = vec![PathBuf::new()];
    let mut copied = 0;
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(from.join(&folder))
            .expect("a folder")
            .map(|entry| entry.expect("an entry"))
            .collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        std::fs::create_dir_all(root.join(&folder)).expect("folders");
        for entry in entries {
            let path = folder.join(entry.file_name());
            if entry.file_type().expect("a type").is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "py") && copied < files {
                std::fs::copy(entry.path(), root.join(path)).expect("a copy");
                copied += 1;
            }
        }
    }
    commit(root);
}

fn commit(root: &Path) {
    let user = ["-c", "user.name=Bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false"];
    for arguments in [&["init", "-q", "."][..], &["add", "-A"], &["commit", "-q", "-m", "tree"]] {
        let status = Command::new("git").args(user).args(arguments).current_dir(root).status();
        assert!(status.expect("git").success());
    }
}

fn name(n: usize) -> String {
    format!("package_{}/module_{n}.py", n / PACKAGE)
}

/// Numbers that look random and are the same in each run (SplitMix64).
fn scatter(n: usize) -> usize {
    let mut x = (n as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 33) as usize
}

/// Three modules of ten have findings, one to four of them; three findings of five are annotated.
fn module(n: usize, kind: Kind) -> String {
    let mut text = format!(
        "\"\"\"Part {n} of the records.\"\"\"\n\nimport asyncio\nimport json\nimport logging\nimport time\nfrom pathlib import Path\n\n"
    );
    let mut tail = String::new();
    if n % 10 < 3 {
        for each in 0..=scatter(n) % 4 {
            let place = n * 4 + each;
            // Two of five are imports.
            let which =
                if scatter(place) % 5 < 2 { 0 } else { 1 + scatter(place + 7) % (FINDINGS.len() - 1) };
            let (code, finding) = FINDINGS[which];
            let tag = if scatter(place + 13) % 5 < 3 { tag(place, code) } else { String::new() };
            let finding = finding.replace('$', &place.to_string()).replace('@', &tag);
            if which == 0 { text.push_str(&finding) } else { tail.push_str(&finding) }
        }
    }
    if n % 10 == 5 {
        let _ = writeln!(
            text,
            "import re  # TODO[T4-LINT-ISSUE]: {{\"id\":\"t4-{n:08x}\",\"code\":\"F401\",\"reason\":\"kept for a plugin\",\"owner\":\"@team-a\"}}"
        );
    }
    if n % kind.legacy_each == 6 % kind.legacy_each {
        text.push_str("import re  # TODO[T4-UNUSED-IMPORT]: kept for a plugin\n");
    }
    if kind.stale_each.is_some_and(|each| n.is_multiple_of(each)) {
        let _ = writeln!(text, "GONE = 1{}", tag(n * 4, "F401"));
    }
    text.push_str(
        "\nlogger = logging.getLogger(__name__)\nUSED = (asyncio.sleep, json.dumps, time.time, Path)\n",
    );
    for block in 0..SIZES[scatter(n + 3) % SIZES.len()] {
        let place = n * 100 + block;
        text.push_str(&BLOCKS[scatter(place) % BLOCKS.len()].replace('$', &block.to_string()));
    }
    text + &tail
}

fn tag(n: usize, code: &str) -> String {
    format!(
        "  # TODO[T4-ISSUE]: {{\"id\":\"t4-{n:08x}\",\"code\":\"{code}\",\"reason\":\"callers rely on it until the next release\",\
         \"status\":\"planned\",\"owner\":\"team-{}\",\"ticket\":\"GH-{n}\"}}",
        n % 9
    )
}

/// So many findings of ruff's own output (`all`: every rule's, on this tree), spread over it.
pub fn findings(ruff: &mut Command, count: usize) -> Vec<u8> {
    let output = ruff.stdin(Stdio::null()).output().expect("ruff");
    let all: Vec<Box<serde_json::value::RawValue>> = serde_json::from_slice(&output.stdout).expect("JSON");
    let step = all.len() / count;
    assert!(step > 0, "ruff has {} findings on the tree", all.len());
    let chosen: Vec<_> = all.iter().step_by(step).take(count).collect();
    serde_json::to_vec(&chosen).expect("JSON")
}

/// What a tree is like.
pub struct About {
    pub files: usize,
    pub median_lines: usize,
    pub kib: usize,
}

/// Counts the lines of a tree's Python sources.
pub fn about(root: &Path) -> About {
    let (mut lines, mut bytes) = (Vec::new(), 0);
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "py") {
                let source = std::fs::read(path).expect("a source");
                lines.push(source.iter().filter(|byte| **byte == b'\n').count());
                bytes += source.len();
            }
        }
    }
    lines.sort_unstable();
    About { files: lines.len(), median_lines: lines[lines.len() / 2], kib: bytes >> 10 }
}
