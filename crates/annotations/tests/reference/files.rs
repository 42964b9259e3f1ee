//! Trees generated from known parts.

use std::collections::BTreeMap;

use annotations::{CodeOwners, Finding, KnownFinding, Place, Registered, Waiver, Waivers};
use serde_json::{Map, Value, json};
use time::Month;

pub const TODAY: (i32, Month, u8) = (2026, Month::November, 21);

/// Days as annotations write them: whether the day has passed, and whether it can be read.
pub const DAYS: [(&str, bool, bool); 6] = [
    ("2026-11-20", true, true),
    ("2026-11-21", false, true),
    ("2026-11-21T23:30:00-02:00", false, true),
    ("2026-11-20T23:59:59Z", true, true),
    ("2026-13-01", true, false),
    ("soon", true, false),
];

const CODES: [&str; 4] = ["F401", "E702", "B008", "F821"];

/// One row.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub code: String,
    /// Blanks before the comment, or the code.
    pub indent: &'static str,
    pub tags: Vec<Tag>,
    /// Inside a string that began above: what looks like a comment is none.
    pub in_string: bool,
    pub end: &'static str,
}

/// Part of a comment.
#[derive(Debug, Clone)]
pub enum Tag {
    Unified(Map<String, Value>),
    Broken(&'static str),
    Unused(String),
    Lint(String),
    Plain(&'static str),
}

#[derive(Debug)]
pub struct Tree {
    pub files: BTreeMap<String, Vec<Row>>,
    pub findings: Vec<Finding>,
    pub new: Vec<bool>,
    pub codes: Vec<String>,
    pub waivers: Waivers,
    pub owners: Option<CodeOwners>,
    pub registered: Vec<Registered>,
}

/// `SplitMix64`.
pub struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }
}

impl Tree {
    pub fn grow(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut tree = Self {
            files: BTreeMap::new(),
            findings: Vec::new(),
            new: Vec::new(),
            codes: if dice.chance(70) { vec![] } else { vec!["F".to_owned(), "E7".to_owned()] },
            waivers: Waivers::default(),
            owners: dice.chance(30).then(|| CodeOwners::read("* @org/core @ada\n")),
            registered: Vec::new(),
        };
        for name in ["a.py", "b.py"].iter().take(1 + dice.roll(2)) {
            let rows = rows(&mut dice);
            let count = rows.len();
            let mut findings: Vec<_> = (0..dice.roll(6)).map(|_| finding(&mut dice, name, count)).collect();
            findings.sort_by_key(|finding| (finding.start, finding.code.clone()));
            tree.findings.extend(findings);
            tree.files.insert((*name).to_owned(), rows);
        }
        let old = dice.chance(30);
        tree.new = tree.findings.iter().map(|_| !(old && dice.chance(50))).collect();
        for row in 1..=dice.roll(3) {
            let waiver = waiver(&mut dice, row);
            tree.waivers.list.push(waiver);
        }
        for number in 0..dice.roll(3) {
            tree.registered.push(Registered {
                id: format!("intent-{number}"),
                file: "a.py".to_owned(),
                code: dice.one(&CODES).to_owned(),
                line: dice.chance(60).then(|| row_of(&mut dice, 6)),
                status: dice.one(&["planned", "committed", "reserved", "accepted", "expired"]).to_owned(),
                owner: Some("core".to_owned()),
                ..Registered::default()
            });
        }
        tree
    }

    pub fn known(&self) -> Vec<KnownFinding> {
        let known = |(finding, new): (&Finding, &bool)| KnownFinding { new: *new, ..finding.clone().into() };
        self.findings.iter().zip(&self.new).map(known).collect()
    }

    pub fn sources(&self) -> BTreeMap<String, String> {
        self.files.iter().map(|(name, rows)| (name.clone(), rows.iter().map(text).collect())).collect()
    }

    pub fn shown(&self) -> String {
        let shown: Vec<_> =
            self.sources().iter().map(|(name, text)| format!("{name}: {}", text.escape_debug())).collect();
        shown.join("\n")
    }
}

fn row_of(dice: &mut Dice, rows: usize) -> u32 {
    u32::try_from(1 + dice.roll(rows)).unwrap()
}

fn waiver(dice: &mut Dice, row: usize) -> Waiver {
    let codes = if dice.chance(50) { vec![] } else { vec![dice.one(&CODES).to_owned()] };
    Waiver {
        at: ("w.yaml".to_owned(), u32::try_from(row).unwrap()),
        file: dice.one(&["a.py", "b.py", "c.py"]).to_owned(),
        line: dice.chance(70).then(|| row_of(dice, 6)),
        codes,
        reason: "r".to_owned(),
        owner: dice.one(&["core", "ghost"]).to_owned(),
        expires: dice.one(&[None, Some("2026-11-21"), Some("2026-11-20"), Some("soon")]).map(str::to_owned),
    }
}

fn finding(dice: &mut Dice, file: &str, rows: usize) -> Finding {
    let start = row_of(dice, rows);
    let end = start + if dice.chance(50) { 0 } else { row_of(dice, 4) };
    let code = if dice.chance(4) { "invalid-syntax" } else { dice.one(&CODES) };
    let column = if end > start && dice.chance(30) { 1 } else { 9 };
    Finding {
        file: file.to_owned(),
        code: code.to_owned(),
        message: "m".to_owned(),
        start: Place { row: start, column: 5 },
        end: Place { row: end, column },
        url: None,
    }
}

fn rows(dice: &mut Dice) -> Vec<Row> {
    let ends = dice.one(&[&["\n"][..], &["\r\n"], &["\r"], &["\n", "\r\n", "\r"]]);
    let mut rows = Vec::new();
    for _ in 0..2 + dice.roll(8) {
        let row = Row { end: dice.one(ends), indent: dice.one(&["", "  ", "\t", "\u{c}"]), ..Row::default() };
        match dice.roll(20) {
            0..8 => rows.push(Row { code: code(dice), tags: tags(dice, 60), ..row }),
            8..15 => rows.push(Row { tags: tags(dice, 90), ..row }),
            15 => {
                rows.push(Row { code: "s = \"\"\"".to_owned(), end: "\n", ..row.clone() });
                rows.push(Row { in_string: true, tags: tags(dice, 80), indent: "", ..row.clone() });
                rows.push(Row { code: "\"\"\"".to_owned(), indent: "", tags: tags(dice, 30), ..row });
            }
            _ => rows.push(row),
        }
    }
    // Between CR and LF there is no row end of its own.
    for at in 1..rows.len() {
        if rows[at - 1].end == "\r" && text(&rows[at]).starts_with('\n') {
            rows[at].end = "\r";
        }
    }
    rows
}

fn code(dice: &mut Dice) -> String {
    let codes = [
        "import os",
        "x = 1;  y = 2",
        "t = 'é 漢 \u{2028} \u{85} \u{b} \u{1c}'",
        "u = \"# TODO[T4-ISSUE]: {\\\"code\\\": \\\"F401\\\"}\"",
        "f(a, '#', \"\\\"#\")",
        "v = r'\\\\'",
        "w = f'{x}#{y}'",
        "from x import (",
        ")",
    ];
    dice.one(&codes).to_owned()
}

/// Tags of one comment. Those whose text goes on to its end come last.
fn tags(dice: &mut Dice, percent: usize) -> Vec<Tag> {
    let mut tags = Vec::new();
    if dice.chance(10) {
        tags.push(Tag::Plain("noqa: E501"));
    }
    while dice.chance(percent) && tags.len() < 3 {
        tags.push(Tag::Unified(fields(dice)));
    }
    match dice.roll(12) {
        0 => tags.push(Tag::Broken(dice.one(&["{\"id\": }", "{}", "[1]", "soon", "{\"id\": 1} x", "", "{"]))),
        1 => tags.push(Tag::Unused(
            dice.one(&["kept", "", "{\"code\": \"F821\", \"owner\": \"o\"}", "{x"]).to_owned(),
        )),
        2 => tags.push(Tag::Lint(
            dice.one(&["{\"code\": \"B008\"}", "", "{\"reason\": \"x\"}", "why"]).to_owned(),
        )),
        3 => tags.push(Tag::Plain("just a remark")),
        _ => {}
    }
    tags
}

fn fields(dice: &mut Dice) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |dice: &mut Dice, name: &str, percent: usize, values: &[Value]| {
        if dice.chance(percent) {
            fields.insert(name.to_owned(), dice.one(values));
        }
    };
    put(dice, "id", 95, &[json!("t4-1"), json!("t4-2"), json!("t4-\u{2028}é"), json!(""), json!(7)]);
    let codes = [
        json!("F401"),
        json!("E702"),
        json!("B008"),
        json!("UNKNOWN"),
        json!("F821"),
        json!(null),
        json!([1]),
    ];
    put(dice, "code", 95, &codes);
    let reasons =
        [json!("it is needed"), json!("it is needed"), json!(" TODO\t"), json!(""), json!(null), json!(0)];
    put(dice, "reason", 95, &reasons);
    let statuses =
        ["reserved", "planned", "committed", "accepted", "documented", "done", ""].map(Value::from);
    put(dice, "status", 95, &statuses);
    put(
        dice,
        "owner",
        60,
        &[json!("core"), json!("@ada"), json!("ghost"), json!(""), json!(null), json!(["x"])],
    );
    put(dice, "ticket", 60, &[json!("T-1"), json!(""), json!(12), json!({})]);
    let mut days: Vec<_> = DAYS.iter().map(|(day, _, _)| json!(day)).collect();
    days.extend([json!(null), json!(20_270_101)]);
    put(dice, "eta", 30, &days);
    if fields.is_empty() {
        fields.insert("id".to_owned(), json!("t4-3"));
    }
    fields
}

fn text(row: &Row) -> String {
    let mut text = format!("{}{}", row.indent, row.code);
    if !row.code.is_empty() && !row.tags.is_empty() {
        text.push_str("  ");
    }
    for (at, tag) in row.tags.iter().enumerate() {
        if at > 0 {
            text.push_str("  ");
        }
        let part = match tag {
            Tag::Unified(fields) => format!("# TODO[T4-ISSUE]: {}", serde_json::to_string(fields).unwrap()),
            Tag::Broken(payload) => format!("#TODO[T4-ISSUE] : {payload}"),
            Tag::Unused(payload) => format!("# TODO[T4-UNUSED-IMPORT]: {payload}"),
            Tag::Lint(payload) => format!("# TODO[T4-LINT-ISSUE]: {payload}"),
            Tag::Plain(remark) => format!("# {remark}"),
        };
        text.push_str(&part);
    }
    text + row.end
}
