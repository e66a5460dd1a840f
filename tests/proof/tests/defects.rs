//! The planted defects can still be planted: each one's text stands exactly once in its file.

#[test]
fn every_defect_has_its_place() {
    let list: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../defects.json")).expect("the list is JSON");
    assert!(!list.is_empty());
    for defect in &list {
        let text = |member: &str| defect[member].as_str().expect(member);
        let file = house::house::read(text("file"));
        let times = file.matches(text("from")).count();
        assert_eq!(times, 1, "{}: in {}", text("name"), text("file"));
        assert_ne!(text("from"), text("to"), "{}", text("name"));
    }
}
