//! The data that the account has at the start: of the shape and the sizes
//! of what `gen.py` beside the peers makes.

use std::fmt::Write as _;

use fastrand::Rng;

use super::collection::Record;
use super::config::PagedConfig;
use super::state::iso;
use super::vendor::PagedEntity;

pub(super) const STATUS: &[&str] = &["OPEN", "IN_PROGRESS", "ON_HOLD", "COMPLETED", "CANCELLED"];
pub(super) const ASSET_STATUS: &[&str] = &["OPERATIONAL", "DOWN", "STANDBY", "RETIRED"];
const PRIORITY: &[&str] = &["LOW", "MEDIUM", "HIGH", "CRITICAL"];
const KINDS: &[&str] = &[
    "PREVENTIVE",
    "CORRECTIVE",
    "INSPECTION",
    "EMERGENCY",
    "PROJECT",
];
const WORDS: &str = "pump motor bearing seal valve conveyor belt gearbox coupling shaft filter \
hydraulic pneumatic sensor calibration alignment lubrication inspect replace repair leak vibration \
noise temperature pressure flow oil grease check torque bolt guard panel breaker relay contactor \
cable drive inverter encoder limit switch emergency stop chiller compressor boiler fan duct damper \
actuator cylinder robot welder press lathe mill grinder spindle";
const NAMES: &[&str] = &[
    "Ana Silva",
    "Jürgen Weiß",
    "Mei Tanaka",
    "John O'Brien",
    "Fatima Zahra",
    "Lars Ødegård",
    "Chen Wei",
    "Olu Adeyemi",
    "Marta Kowalska",
    "Ravi Patel",
    "Sofía Núñez",
    "Tom Baker",
];
const TEAMS: &[&str] = &[
    "Mechanical",
    "Electrical",
    "Instrumentation",
    "Facilities",
    "Contractor A",
];
const CATEGORIES: &[&str] = &[
    "Rotating",
    "Static",
    "Electrical",
    "HVAC",
    "Vehicle",
    "Tooling",
];
const MAKERS: &[&str] = &[
    "Siemens",
    "ABB",
    "Fanuc",
    "Grundfos",
    "SKF",
    "Bosch Rexroth",
];

const DAY: i64 = 86_400;
/// The records are made in the two years before this long before the clock's
/// start, and changed up to 30 days later.
const QUIET: i64 = 40 * DAY;
const SPAN: i64 = 2 * 365 * DAY;

/// The id of the `i`-th record of a kind.
pub(super) fn id(entity: PagedEntity, i: usize) -> String {
    match entity {
        PagedEntity::Asset => format!("AST-{i:06}"),
        PagedEntity::WorkOrder => format!("WO-{i:07}"),
    }
}

/// Draws values.
struct Draw {
    random: Rng,
    words: Vec<&'static str>,
    base: i64,
}

impl Draw {
    fn new(config: &PagedConfig, of: u64) -> Self {
        Self {
            random: Rng::with_seed(config.seed.wrapping_mul(2).wrapping_add(of)),
            words: WORDS.split(' ').collect(),
            base: config.now.timestamp() - QUIET - SPAN,
        }
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from.get(self.random.usize(..from.len().max(1)))
            .copied()
            .unwrap_or_default()
    }

    /// One of `from`, each as often as its weight says.
    fn weighed(&mut self, from: &[&'static str], weights: &[u32]) -> &'static str {
        let mut left = self.random.u32(..weights.iter().sum::<u32>().max(1));
        for (value, weight) in from.iter().zip(weights) {
            if left < *weight {
                return value;
            }
            left -= weight;
        }
        ""
    }

    fn word(&mut self) -> &'static str {
        let at = self.random.usize(..self.words.len().max(1));
        self.words.get(at).copied().unwrap_or_default()
    }

    fn text(&mut self, words: std::ops::RangeInclusive<usize>) -> String {
        let count = self.random.usize(words);
        let words: Vec<_> = (0..count).map(|_| self.word()).collect();
        words.join(" ")
    }

    fn tags(&mut self) -> String {
        let count = self.random.usize(0..=4);
        let tags: Vec<_> = (0..count).map(|_| format!("\"{}\"", self.word())).collect();
        tags.join(",")
    }

    fn number(&mut self, from: f64, to: f64, places: usize) -> String {
        let value = from + self.random.f64() * (to - from);
        format!("{value:.places$}")
    }

    fn before(&mut self, end: i64) -> i64 {
        self.random.i64(0..end.max(1))
    }

    fn place(&mut self) -> String {
        let n = self.random.usize(..400);
        format!(
            r#"{{"id":"LOC-{n:04}","name":"Plant {} / Line {}"}}"#,
            n / 100 + 1,
            n % 100
        )
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A text in quotes, or `null`.
fn quoted(text: Option<String>) -> String {
    text.map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""))
}

fn date(seconds: i64) -> String {
    iso(seconds).chars().take(10).collect()
}

/// The work orders of the start.
pub(super) fn work_orders(config: &PagedConfig) -> Vec<Record> {
    let mut draw = Draw::new(config, 1);
    (0..config.work_orders)
        .map(|i| work_order(&mut draw, i, config.assets))
        .collect()
}

fn work_order(d: &mut Draw, i: usize, assets: usize) -> Record {
    let created = d.base + d.before(SPAN);
    let changed = created + d.before(30 * DAY);
    let updated = iso(changed);
    let due = iso(created + d.random.i64(1..60) * DAY);
    let status = d.weighed(STATUS, &[25, 15, 5, 50, 5]);
    let started = quoted((status != "OPEN").then(|| iso(created + d.before(5 * DAY))));
    let completed = status == "COMPLETED";
    let id = id(PagedEntity::WorkOrder, i);
    let who = d.random.usize(..NAMES.len());
    let mut json = String::with_capacity(1100);
    // Writing to a text cannot fail; no value has a character that JSON escapes.
    let _ = write!(
        json,
        r#"{{"id":"{id}","number":{},"title":"{}","description":"{}","status":"{status}","priority":"{}","type":"{}","assetId":"AST-{:06}","location":{},"assignedTo":{{"id":"U{who:04}","name":"{}","email":"user{who}@example.com"}},"team":"{}","requestedBy":"user{}@example.com","createdAt":"{}","updatedAt":"{updated}","dueDate":"{due}","startedAt":{started},"completedAt":{},"#,
        100_000 + i,
        capital(&d.text(3..=8)),
        d.text(15..=45),
        d.weighed(PRIORITY, &[30, 45, 20, 5]),
        d.pick(KINDS),
        d.random.usize(..assets.max(1)),
        d.place(),
        NAMES.get(who).copied().unwrap_or_default(),
        d.pick(TEAMS),
        d.random.u16(..300),
        iso(created),
        quoted(completed.then(|| updated.clone())),
    );
    let _ = write!(
        json,
        r#""estimatedHours":{},"actualHours":{},"laborCost":{},"partsCost":{},"failureCode":{},"isDowntime":{},"tags":[{}],"customFields":{{"permit":"PTW-{:04}","shift":"{}","sapOrder":"{}","risk":{}}}}}"#,
        d.number(0.25, 40.0, 2),
        if completed {
            d.number(0.25, 60.0, 2)
        } else {
            "null".to_owned()
        },
        d.number(20.0, 4000.0, 2),
        d.number(0.0, 9000.0, 2),
        {
            let known = d.random.u8(..10) < 6;
            let code = d.random.u8(..120);
            quoted(known.then(|| format!("F{code:03}")))
        },
        d.random.u8(..5) == 0,
        d.tags(),
        d.random.u16(..9999),
        d.pick(&["A", "B", "C"]),
        40_000_000 + i,
        d.random.u8(1..26),
    );
    Record {
        id,
        updated,
        json: json.into_boxed_str(),
    }
}

/// The assets of the start.
pub(super) fn assets(config: &PagedConfig) -> Vec<Record> {
    let mut draw = Draw::new(config, 2);
    (0..config.assets).map(|i| asset(&mut draw, i)).collect()
}

fn asset(d: &mut Draw, i: usize) -> Record {
    let installed = d.base - d.before(10 * 365 * DAY);
    let changed = d.base + d.before(SPAN);
    let updated = iso(changed);
    let id = id(PagedEntity::Asset, i);
    let parent = (i > 0 && d.random.u8(..10) < 7).then(|| d.random.usize(..i.max(1)));
    let mut json = String::with_capacity(800);
    let _ = write!(
        json,
        r#"{{"id":"{id}","name":"{} {} {i}","assetTag":"T{i:06}","category":"{}","manufacturer":"{}","model":"M{:04}-{}","serialNumber":"SN{:010X}","status":"{}","criticality":"{}","location":{},"parentId":{},"installDate":"{}","purchaseDate":"{}","warrantyExpiry":"{}","#,
        capital(d.word()),
        d.word(),
        d.pick(CATEGORIES),
        d.pick(MAKERS),
        d.random.u16(..9999),
        d.pick(&["A", "B", "C", "D", "E", "F"]),
        d.random.u64(..1 << 40),
        d.pick(ASSET_STATUS),
        d.pick(&["A", "B", "C", "D"]),
        d.place(),
        quoted(parent.map(|parent| format!("AST-{parent:06}"))),
        date(installed),
        date(installed - 90 * DAY),
        date(installed + 730 * DAY),
    );
    let _ = write!(
        json,
        r#""purchaseCost":{},"replacementCost":{},"expectedLifeYears":{},"meterReading":{},"meterUnit":"{}","specs":{{"powerKw":{},"voltage":{},"rpm":{}}},"latitude":{},"longitude":{},"tags":[{}],"createdAt":"{}","updatedAt":"{updated}"}}"#,
        d.number(500.0, 250_000.0, 2),
        d.number(500.0, 350_000.0, 2),
        d.random.u8(5..30),
        d.number(0.0, 90_000.0, 1),
        d.pick(&["h", "km", "cycles"]),
        d.number(0.5, 400.0, 1),
        d.pick(&["230", "400", "690"]),
        d.pick(&["750", "1000", "1500", "3000"]),
        d.number(47.0, 54.0, 6),
        d.number(6.0, 15.0, 6),
        d.tags(),
        iso(installed),
    );
    Record {
        id,
        updated,
        json: json.into_boxed_str(),
    }
}
