//! Words of the seeded data.

/// Kinds of equipment, with a category and a model prefix.
pub(super) const EQUIPMENT: [(&str, &str, &str); 10] = [
    ("Pump", "Pumps", "PX"),
    ("Conveyor", "Conveyors", "CV"),
    ("Boiler", "HVAC", "BL"),
    ("Chiller", "HVAC", "CH"),
    ("Compressor", "Compressed air", "GA"),
    ("Press", "Presses", "HP"),
    ("Forklift", "Vehicles", "FL"),
    ("Elevator", "Building", "EL"),
    ("Generator", "Power", "DG"),
    ("Kühlwasserpumpe", "Pumps", "KW"),
];

pub(super) const PLACES: [&str; 12] = [
    "Main hall",
    "Boiler house",
    "Werk Süd – Halle 3",
    "Warehouse A",
    "Warehouse B",
    "Roof plant room",
    "Paint shop",
    "Loading dock",
    "東京工場",
    "Laboratory",
    "Café & Canteen",
    "Car park",
];

pub(super) const PEOPLE: [(&str, &str); 14] = [
    ("Ana", "Núñez"),
    ("Ben", "Carter"),
    ("Chloé", "Lefèvre"),
    ("Dmitri", "Волков"),
    ("Ella", "O'Brien"),
    ("Finn", "Jørgensen"),
    ("Gita", "Rao"),
    ("Hiro", "田中"),
    ("Ivan", "Petrov"),
    ("Jana", "Müller"),
    ("Kofi", "Mensah"),
    ("Lena", "Šimić"),
    ("Max", "Weiß"),
    ("Nora", "Åberg"),
];

pub(super) const TASKS: [&str; 14] = [
    "Replace seal",
    "Lubricate bearings",
    "Check belt tension",
    "Inspect safety guard",
    "Leak at flange",
    "Abnormal noise from motor",
    "Calibrate pressure sensor",
    "Change filters",
    "Repair emergency stop",
    "Clean heat exchanger",
    "Oil level low",
    "Broken door switch",
    "Annual inspection",
    "Update firmware of controller",
];

pub(super) const SENTENCES: [&str; 10] = [
    "Reported by the operator at the start of the shift.",
    "Lock out and tag out before any work on the drive.",
    "Bring the parts kit from the tool crib, shelf 14.",
    "The line may run at reduced speed until this is done.",
    "Take the readings before and after and note them here.",
    "Second occurrence this quarter, check the root cause too.",
    "Access only with a permit for work at height.",
    "The contractor has the drawings; ask at the front desk.",
    "Temperature was 84 °C at the drive end, limit 75 °C.",
    "Close the order only after the test run of 30 minutes.",
];

/// Texts that a careless program breaks on.
pub(super) const ODD: [&str; 6] = [
    "Überprüfung der Kühlmittelpumpe – 点検 №7 ✅",
    "Valve \u{1b}[31mALARM\u{1b}[0m on line 2",
    "صيانة المضخة \u{202e}evil\u{202c} 👩🏽‍🔧",
    "Tab\there, line\r\nbreak, \"quotes\" & <b>tags</b> \\ back",
    "Bell \u{7} and e\u{301} combining, zero\u{200b}width",
    "'; DROP TABLE work_orders; -- =HYPERLINK(\"http://x\")",
];
