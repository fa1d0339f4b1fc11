//! What is written is read back by small parsers of each format.

use std::collections::BTreeMap;

use super::*;

const LABELS: [&str; 4] = ["anger", "a \"b\", c", "<x> & --> y\nz", "größer"];

fn segment(start: f64, end: f64, label: &str) -> Segment {
    let probabilities =
        LABELS.iter().map(|&emotion| (emotion.to_owned(), if emotion == label { 0.7 } else { 0.1 })).collect();
    Segment { start, end, label: label.to_owned(), confidence: 0.7, probabilities }
}

fn timeline(seconds: f64, segments: Vec<Segment>) -> Timeline {
    Timeline {
        seconds,
        hop: 0.5,
        window: 3.0,
        emotions: LABELS.map(str::to_owned).to_vec(),
        frames: Vec::new(),
        segments,
    }
}

/// Gaps at the start, in the middle and at the end; two segments that touch where rounding must not part them.
fn example() -> Timeline {
    timeline(
        3725.5004,
        vec![
            segment(0.5, 1.00049, LABELS[0]),
            segment(1.00049, 2.0, LABELS[1]),
            segment(7.0, 3600.123, LABELS[2]),
            segment(3601.0, 3700.0, LABELS[3]),
        ],
    )
}

/// (start, end) in milliseconds.
const TIMES: [(u64, u64); 4] = [(500, 1000), (1000, 2000), (7000, 3_600_123), (3_601_000, 3_700_000)];

fn parsed(seconds: &str) -> u64 {
    milliseconds(seconds.parse().unwrap())
}

#[test]
fn json_is_read_back() {
    let mut whole = example();
    whole.frames.push(super::super::Frame { time: 0.25, speech: false, probabilities: None });
    whole.frames.push(super::super::Frame { time: 0.75, speech: true, probabilities: Some(vec![0.7, 0.1, 0.1, 0.1]) });
    let text = whole.write(Format::Json, "a.wav");
    assert_eq!(serde_json::from_str::<Timeline>(&text).unwrap(), whole);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["frames"][0], serde_json::json!({ "time": 0.25, "speech": false }));
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["emotions", "frames", "hop", "seconds", "segments", "window"]);
}

#[test]
fn csv_is_read_back() {
    let text = example().write(Format::Csv, "a.wav");
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header, [["start", "end", "label", "confidence"], LABELS].concat());
    let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4);
    for ((row, times), label) in rows.iter().zip(TIMES).zip(LABELS) {
        assert_eq!((parsed(&row[0]), parsed(&row[1]), &row[2], &row[3]), (times.0, times.1, label, "0.7000"));
        let own = header.iter().rposition(|name| name == label).unwrap();
        assert_eq!((&row[own], row.len()), ("0.7000", 8));
    }
}

#[test]
fn vtt_is_read_back() {
    let text = example().write(Format::Vtt, "a.wav");
    let mut blocks = text.trim_end().split("\n\n");
    assert_eq!(blocks.next(), Some("WEBVTT"));
    let clock = |text: &str| {
        let parts: Vec<&str> = text.split(':').collect();
        3_600_000 * parts[0].parse::<u64>().unwrap() + 60_000 * parts[1].parse::<u64>().unwrap() + parsed(parts[2])
    };
    let cues: Vec<((u64, u64), String)> = blocks
        .map(|block| {
            let (times, text) = block.split_once('\n').unwrap();
            let (start, end) = times.split_once(" --> ").unwrap();
            assert!(!text.contains("-->") && !text.contains('\n'), "{text}");
            ((clock(start), clock(end)), text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
        })
        .collect();
    assert_eq!(cues.iter().map(|cue| cue.0).collect::<Vec<_>>(), TIMES);
    assert_eq!(cues[0].1, "anger (70 %)");
    assert_eq!(cues[2].1, "<x> & --> y z (70 %)");
    assert!(text.contains("00:00:07.000 --> 01:00:00.123\n"), "{text}");
}

/// The value of each `name = value` line of a `TextGrid`.
fn values<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix(" = ")).collect()
}

#[test]
fn textgrid_is_read_back_and_covers_everything() {
    let text = example().write(Format::TextGrid, "a.wav");
    assert!(text.starts_with("File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n"), "{text}");
    // Those of the whole and of the tier come first.
    let (starts, ends, labels) = (values(&text, "xmin"), values(&text, "xmax"), values(&text, "text"));
    assert_eq!((&ends[..2], &starts[..2]), (&["3725.500"; 2][..], &["0"; 2][..]));
    let (starts, ends) = (&starts[2..], &ends[2..]);
    assert_eq!(values(&text, "intervals: size"), [starts.len().to_string()]);
    assert_eq!((starts.len(), ends.len(), labels.len()), (8, 8, 8));
    let mut covered = 0;
    for (start, end) in starts.iter().zip(ends) {
        assert_eq!(parsed(start), covered);
        covered = parsed(end);
        assert!(covered > parsed(start));
    }
    assert_eq!(covered, 3_725_500);
    let expected =
        ["\"\"", "\"anger\"", "\"a \"\"b\"\", c\"", "\"\"", "\"<x> & --> y z\"", "\"\"", "\"größer\"", "\"\""];
    assert_eq!(labels, expected);
}

/// Attributes of all elements of one name.
fn elements(xml: &str, name: &str) -> Vec<BTreeMap<String, String>> {
    xml.split('<')
        .filter_map(|rest| rest.split('>').next()?.strip_prefix(name)?.strip_prefix(' '))
        .map(|attributes| {
            let mut pieces = attributes.trim_end_matches('/').split('"');
            let mut map = BTreeMap::new();
            while let (Some(key), Some(value)) = (pieces.next(), pieces.next()) {
                map.insert(key.trim().trim_end_matches('=').to_owned(), value.to_owned());
            }
            map
        })
        .collect()
}

#[test]
fn elan_is_read_back() {
    let text = example().write(Format::Elan, "talks/my <talk> & more.wav");
    let slots: BTreeMap<String, u64> = elements(&text, "TIME_SLOT")
        .into_iter()
        .map(|slot| (slot["TIME_SLOT_ID"].clone(), slot["TIME_VALUE"].parse().unwrap()))
        .collect();
    let annotations = elements(&text, "ALIGNABLE_ANNOTATION");
    let times: Vec<(u64, u64)> =
        annotations.iter().map(|one| (slots[&one["TIME_SLOT_REF1"]], slots[&one["TIME_SLOT_REF2"]])).collect();
    assert_eq!(times, TIMES);
    assert_eq!(
        elements(&text, "TIER")[0]["LINGUISTIC_TYPE_REF"],
        elements(&text, "LINGUISTIC_TYPE")[0]["LINGUISTIC_TYPE_ID"]
    );
    let media = &elements(&text, "MEDIA_DESCRIPTOR")[0];
    assert_eq!(media["RELATIVE_MEDIA_URL"], "./my%20%3Ctalk%3E%20%26%20more.wav");
    assert!(text.contains("<ANNOTATION_VALUE>&lt;x&gt; &amp; --&gt; y z</ANNOTATION_VALUE>"), "{text}");
    // Every element that is opened is closed.
    let opened = text.matches('<').count() - text.matches("</").count() - text.matches("<?").count();
    assert_eq!(opened, text.matches("</").count() + text.matches("/>").count());
    // The parts stand in the order of the schema.
    let places = ["<HEADER", "<TIME_ORDER>", "<TIER ", "<LINGUISTIC_TYPE "].map(|part| text.find(part).unwrap());
    assert!(places.is_sorted());
    assert!(elements(&example().write(Format::Elan, "-"), "MEDIA_DESCRIPTOR").is_empty());
}

#[test]
fn rttm_is_read_back() {
    let text = example().write(Format::Rttm, "talks/my talk.tape.wav");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    assert!(lines.iter().all(|fields| fields.len() == 10), "{text}");
    let times: Vec<(u64, u64)> =
        lines.iter().map(|fields| (parsed(fields[3]), parsed(fields[3]) + parsed(fields[4]))).collect();
    assert_eq!(times, TIMES);
    let first = ["SPEAKER", "my_talk.tape", "1", "0.500", "0.500", "<NA>", "<NA>", "anger", "0.7000", "<NA>"];
    assert_eq!(lines[0], first);
    assert_eq!(lines[1][7], "a_\"b\",_c");
}

#[test]
fn timelines_without_anything_are_valid() {
    for seconds in [0.0, 0.0001, 2.0] {
        let empty = timeline(seconds, Vec::new());
        assert_eq!(empty.write(Format::Vtt, "a.wav"), "WEBVTT\n");
        assert_eq!(empty.write(Format::Rttm, "a.wav"), "");
        assert_eq!(empty.write(Format::Csv, "a.wav").lines().count(), 2);
        let grid = empty.write(Format::TextGrid, "a.wav");
        assert_eq!(values(&grid, "intervals: size"), ["1"]);
        assert!(parsed(values(&grid, "xmax")[2]) > 0);
        assert!(elements(&empty.write(Format::Elan, "a.wav"), "TIME_SLOT").is_empty());
    }
}

#[test]
fn no_interval_is_negative_or_in_another() {
    let odd = [
        segment(-1.0, 0.5, "anger"),
        segment(0.4, 0.9, "anger"),
        segment(0.9, 0.9002, "anger"),
        segment(2.0, 1.0, "anger"),
        segment(f64::NAN, f64::INFINITY, "anger"),
        segment(9.0, 10.0, "anger"),
    ];
    let odd = timeline(4.0, odd.to_vec());
    let times: Vec<(u64, u64)> = intervals(&odd).iter().map(|interval| (interval.start, interval.end)).collect();
    assert_eq!(times, [(0, 500), (500, 900), (900, 4000)]);
    for (_, format) in Format::ALL {
        odd.write(format, "");
    }
}

#[test]
fn every_format_has_a_name_and_an_ending_of_its_own() {
    let mut endings: Vec<&str> = Format::ALL.iter().map(|(_, format)| format.extension()).collect();
    endings.sort_unstable();
    endings.dedup();
    assert_eq!(endings.len(), Format::ALL.len());
}
