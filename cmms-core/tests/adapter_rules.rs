//! No rule of the adapter suite is left out of its macro.

use cmms_core::testing::adapter_suite::RULES;

#[test]
fn every_rule_of_adapters_has_its_test() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/testing/adapter_suite");
    let mut written = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.ends_with("rig.rs") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let rules = text
            .lines()
            .filter_map(|line| line.strip_prefix("pub async fn "));
        let names = rules.filter_map(|rule| rule.split('(').next());
        written.extend(names.map(str::to_owned));
    }
    let mut listed = RULES.to_vec();
    listed.sort_unstable();
    written.sort_unstable();
    assert_eq!(listed, written);
}
