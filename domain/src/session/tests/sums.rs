//! What sessions come to, in a month and for a budget.

use super::*;

#[test]
fn sums_are_made_anew_from_the_sessions() {
    let item = |day: &str, minutes: u64, usd: &str| {
        Item::from_iter([
            (
                "started_at".to_owned(),
                json!(format!("2026-11-{day}T20:00:00Z")),
            ),
            ("billed_minutes".to_owned(), json!(minutes)),
            ("incidents".to_owned(), json!(1)),
            ("cost_usd".to_owned(), json!(usd)),
        ])
    };
    let items = [
        item("20", 60, "0.50"),
        item("21", 30, "0.25"),
        item("21", 0, "0.01"),
    ];
    let over = |began: &str, ended: &str| {
        let mut item = item("20", 360, "6.00");
        item.insert("started_at".to_owned(), json!(began));
        item.insert("stopped_at".to_owned(), json!(ended));
        item
    };
    let spent = |item: Item, now: &str| {
        let spent = Spent::of(&[item], now.parse().unwrap());
        (spent.today, spent.this_month)
    };
    let night = over("2026-11-30T22:00:00Z", "2026-12-01T04:00:00Z");
    let (two, four) = (cost::Money(2_000_000), cost::Money(4_000_000));
    assert_eq!(
        spent(night.clone(), "2026-12-01T05:00:00Z"),
        (four, four),
        "over midnight"
    );
    assert_eq!(spent(night, "2026-12-02T05:00:00Z"), (cost::Money(0), four));
    let none = over("2026-11-30T18:00:00Z", "2026-11-30T23:00:00Z");
    assert_eq!(
        spent(none, "2026-12-01T05:00:00Z"),
        (cost::Money(0), cost::Money(0))
    );
    let evening = over("2026-11-30T20:00:00Z", "2026-12-01T02:00:00Z");
    assert_eq!(spent(evening, "2026-12-01T02:00:00Z"), (two, two));
    let months = budget_months("2026-12-31T23:00:00Z".parse().unwrap());
    assert_eq!(months, ["2026-11", "2026-12"]);
    let now: Timestamp = "2026-11-21T23:00:00Z".parse().unwrap();
    let spent = Spent::of(&items, now);
    assert_eq!(spent.today, cost::Money(260_000));
    assert_eq!(spent.this_month, cost::Money(760_000));
    let sum = Sum::of(&items);
    assert_eq!(
        (sum.sessions, sum.billed_minutes, sum.incidents),
        (2, 90, 3)
    );
    let month = sum.item(ID, "2026-11", now);
    assert_eq!(month["started_at"], "month#2026-11");
    assert_eq!(month["cost_usd"], "0.760000");
    let of_all = [
        ("a".to_owned(), cost::Money(1)),
        ("b".to_owned(), cost::Money(2)),
    ];
    let all = all_item("2026-11", &of_all.clone().into(), now);
    assert_eq!(all["cost_usd"], "0.000003");
    assert_eq!(shares(&all), of_all.into());
}

#[test]
fn what_has_changed_is_added_up_and_all_of_it_when_a_month_begins() {
    let noted = |started_at: &str, at: &str| {
        let mut row = Ledger::new(ID);
        row.account = Some(Account {
            noted: Some(Noted {
                started_at: started_at.parse().unwrap(),
                at: at.parse().unwrap(),
            }),
            ..Account::default()
        });
        row
    };
    let rows = std::collections::BTreeMap::from([
        (
            "a".to_owned(),
            noted("2026-10-31T23:00:00Z", "2026-11-01T01:00:00Z"),
        ),
        (
            "b".to_owned(),
            noted("2026-11-02T20:00:00Z", "2026-11-02T22:00:00Z"),
        ),
        ("c".to_owned(), Ledger::new("c")),
    ]);
    let months = |now: &str, known: &AddedUp| -> Vec<(String, Vec<String>)> {
        let due = due(now.parse().unwrap(), &rows, known);
        due.into_iter()
            .map(|one| (one.destination_id, one.months))
            .collect()
    };
    let of = |id: &str, months: &[&str]| {
        (
            id.to_owned(),
            months
                .iter()
                .map(|&month| month.to_owned())
                .collect::<Vec<_>>(),
        )
    };
    let mut known = AddedUp::default();
    let both = [of("a", &["2026-10", "2026-11"]), of("b", &["2026-11"])];
    assert_eq!(months("2026-11-03T00:00:00Z", &known), both);
    known
        .marks
        .insert("a".to_owned(), "2026-11 2026-11-01T01:00:00Z".to_owned());
    assert_eq!(
        months("2026-11-03T00:00:00Z", &known),
        [of("b", &["2026-11"])]
    );
    known
        .marks
        .insert("b".to_owned(), "2026-11 2026-11-02T22:00:00Z".to_owned());
    assert_eq!(months("2026-11-03T00:00:00Z", &known), []);
    assert_eq!(months("2026-12-01T00:00:00Z", &known).len(), 2);
}
