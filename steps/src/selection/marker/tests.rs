//! Markers, each held and not held.

use serde_json::json;

use super::*;

fn holds(marker: &str, node: Json) -> bool {
    holds_all(&Marker::parse(marker).expect(marker), &[node])
}

fn holds_all(marker: &Marker, nodes: &[Json]) -> bool {
    marker.holds(nodes, Typing::Json, &|expected, node| same(&expected.json, node))
}

#[test]
fn each_marker_is_held_by_its_own_and_by_nothing_else() {
    let every = [
        json!("3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
        json!("plain"),
        json!(3.2),
        json!(7),
        json!(true),
        json!(null),
        json!("2026-11-24T13:00:00.5Z"),
        json!([1, 2, 3]),
        json!({}),
    ];
    for (marker, held) in [
        ("uuid", vec![0]),
        ("string", vec![0, 1, 6]),
        ("number", vec![2, 3]),
        ("number 3.1..3.3", vec![2]),
        ("number 7..7", vec![3]),
        ("boolean", vec![4]),
        ("null", vec![5]),
        ("present", (0..every.len()).collect()),
        ("absent", vec![]),
        ("timestamp", vec![6]),
        ("regex pl.*", vec![1]),
        ("regex l", vec![]),
        ("contains lai", vec![1]),
        ("contains 2", vec![0, 6, 7]),
        ("after 2026-11-24T13:00:00.4Z", vec![6]),
        ("after 2026-11-24T13:00:00.6Z", vec![]),
        ("at least 3.2", vec![2, 3]),
        ("at most 3.2", vec![2]),
        ("greater than 2026-11-24T13:00:00Z", vec![6]),
        ("less than 7", vec![2]),
        ("not plain", vec![0, 2, 3, 4, 5, 6, 7, 8]),
        ("not null", vec![0, 1, 2, 3, 4, 6, 7, 8]),
        // What is 7 in another type is 7.
        ("not \"7\"", vec![0, 1, 2, 4, 5, 6, 7, 8]),
        ("optional not plain", vec![0, 2, 3, 4, 5, 6, 7, 8]),
        ("array", vec![7]),
        ("array 3", vec![7]),
        ("array 2", vec![]),
        ("optional string", vec![0, 1, 5, 6]),
        ("optional number 7..8", vec![3, 5]),
    ] {
        let found: Vec<usize> = (0..every.len())
            .filter(|&at| holds(marker, every[at].clone()))
            .collect();
        assert_eq!(found, held, "#{marker}");
    }
    assert!(holds_all(&Marker::Absent, &[]));
    assert!(holds_all(&Marker::parse("optional uuid").unwrap(), &[]));
    assert!(!holds_all(&Marker::Present, &[]));
    let not_one = Marker::parse("not 1").unwrap();
    assert!(!holds_all(&not_one, &[]) && !holds_all(&not_one, &[json!(2), json!(1)]));
}

#[test]
fn what_is_no_marker_is_told() {
    for (marker, message) in [
        ("uid", "there is no marker `#uid`; hint: did you mean `#uuid`?"),
        ("uuid 4", "nothing stands behind `#uuid`, and here is `4`"),
        (
            "number 3",
            "`3` is no range of numbers; hint: such as `#number 3.1..3.3`",
        ),
        (
            "number 3..1",
            "`3..1` is an empty range; hint: the smaller number comes first, `1..3`",
        ),
        (
            "regex",
            "`#regex` lacks what stands behind it; hint: such as `#regex [a-z]+`",
        ),
        ("regex (", "`(` is no regular expression: unclosed group"),
        ("array few", "`few` is no number of elements; hint: such as `#array 3`"),
        (
            "optional",
            "`#optional` lacks what stands behind it; hint: such as `#optional string`",
        ),
        (
            "optional strng",
            "there is no marker `#strng`; hint: did you mean `#string`?",
        ),
        (
            "at least",
            "`#at least` lacks what stands behind it; hint: such as `#at least 3` or `#at least ${before.days}`",
        ),
        (
            "less than some",
            "`some` is neither a number nor a timestamp; hint: such as `#less than 3` or `#less than 2026-11-24T13:00:00Z`",
        ),
        (
            "at lest 3",
            "there is no marker `#at lest`; hint: did you mean `#at least`?",
        ),
        (
            "greater 3",
            "there is no marker `#greater`; hint: did you mean `#greater than`?",
        ),
        (
            "not",
            "`#not` lacks what stands behind it; hint: such as `#not ${before.id}`",
        ),
        (
            "not #uuid",
            "`#not` takes a value, and `#uuid` looks for something; hint: `#not \\#uuid` for the text itself",
        ),
        (
            "after noon",
            "`noon` is no timestamp; hint: RFC 3339, such as `2026-11-24T13:00:00Z`",
        ),
    ] {
        assert_eq!(Marker::check(marker), Err(message.into()), "#{marker}");
    }
    let error = Marker::check("anything at all").unwrap_err();
    assert!(error.contains("write `\\#anything` for the text itself"), "{error}");
}

#[test]
fn an_argument_with_a_reference_is_read_when_it_is_filled_in() {
    for marker in [
        "at least ${x}",
        "not ${x}",
        "optional less than ${x}",
        "after ${t}",
        "regex ^${prefix}",
        "optional number ${least}..${most}",
    ] {
        assert_eq!(Marker::check(marker), Ok(()), "#{marker}");
    }
    assert!(Marker::check("uuid ${t}").is_err());
    assert!(Marker::check("aftr ${t}").is_err());
    let (marker, written) = Marker::read("array ${n}", &mut |_| Ok(json!(2))).unwrap();
    assert_eq!(written, "#array 2");
    assert!(holds_all(&marker, &[json!([1, 2])]));
    // A variable is a text, and a number all the same.
    let (marker, written) = Marker::read("at most ${n}", &mut |_| Ok(json!("2"))).unwrap();
    assert!(written == "#at most 2" && holds_all(&marker, &[json!(2)]));
    let (marker, written) = Marker::read("not ${order}", &mut |_| Ok(json!({"id": 7}))).unwrap();
    assert_eq!(written, r#"#not {"id":7}"#);
    assert!(holds_all(&marker, &[json!({"id": 8})]) && !holds_all(&marker, &[json!({"id": 7.0})]));
}
