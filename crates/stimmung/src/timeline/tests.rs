//! Properties of timelines: independence of blocks, threads and rates; silence; gaps; memory.

use std::sync::Arc;

use stimmung_audio::{WavEncoding, wav_bytes};

use super::*;
use crate::testing::{StopAfter, on_threads, voice as speech};

fn silence(seconds: f64) -> Vec<f32> {
    vec![0.0; (seconds * 16_000.0) as usize]
}

fn wave(parts: &[Vec<f32>]) -> Waveform {
    Waveform::new(parts.concat(), 16_000).unwrap()
}

fn recognizer() -> Recognizer {
    Recognizer::embedded().unwrap()
}

#[track_caller]
fn check_consistent(timeline: &Timeline) {
    let mut before = 0.0;
    for segment in &timeline.segments {
        assert!(before <= segment.start && segment.start < segment.end, "{segment:?}");
        before = segment.end;
        let inside = |frame: &&Frame| frame.time > segment.start && frame.time < segment.end;
        assert!(timeline.frames.iter().filter(inside).all(|frame| frame.speech), "{segment:?}");
        let most = segment.probabilities.iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        assert_eq!((most.0, *most.1), (&segment.label, segment.confidence));
        assert!((segment.probabilities.values().sum::<f32>() - 1.0).abs() < 1e-4);
    }
    assert!(before <= timeline.seconds);
    assert_eq!(timeline.frames.len(), (timeline.seconds / timeline.hop).ceil() as usize);
    for (index, frame) in timeline.frames.iter().enumerate() {
        assert!(frame.time > index as f64 * timeline.hop && frame.time < timeline.seconds, "{frame:?}");
        assert_eq!(frame.speech, frame.probabilities.is_some());
        let covered = timeline.segments.iter().any(|segment| segment.start < frame.time && frame.time < segment.end);
        assert_eq!(frame.speech, covered, "{frame:?}");
    }
}

#[test]
fn pauses_are_gaps() {
    let wave = wave(&[silence(4.0), speech(6.0), silence(5.0), speech(4.3)]);
    let timeline = recognizer().timeline(&wave, &TimelineParams::default()).unwrap();
    check_consistent(&timeline);
    let starts = timeline.segments.first().unwrap().start;
    assert!((3.5..=4.5).contains(&starts), "{timeline:?}");
    let last = timeline.segments.last().unwrap();
    assert!(last.end > 18.5, "{last:?}");
    // In the middle of the pause nobody speaks, at either side of it somebody does.
    let speech_at = |second: f64| timeline.frames[(second / 0.5) as usize].speech;
    assert_eq!([2.0, 7.0, 12.5, 17.0].map(speech_at), [false, true, false, true]);
}

#[test]
fn blocks_and_threads_change_nothing() {
    let recognizer = Arc::new(recognizer());
    let wave = wave(&[speech(9.0), silence(2.0), speech(7.3)]);
    let params = TimelineParams { smoothing: 2.0, ..TimelineParams::default() };
    let whole = on_threads(1, || recognizer.timeline(&wave, &params).unwrap());
    check_consistent(&whole);
    assert_eq!(on_threads(3, || recognizer.timeline(&wave, &params).unwrap()), whole);
    for block in [333, 8_000, 160_000] {
        let mut listener = Listener::new(Arc::clone(&recognizer), params, 16_000).unwrap();
        let mut seen = Update::default();
        for block in wave.samples().chunks(block) {
            let update = listener.push(block).unwrap();
            seen.frames.extend(update.frames);
            seen.segments.extend(update.segments);
        }
        let early = listener.so_far();
        check_prefix(&early, &whole);
        let timeline = listener.finish().unwrap();
        assert_eq!(timeline, whole, "{block}");
        assert_eq!(seen.frames, whole.frames[..seen.frames.len()]);
        assert_eq!(seen.segments, whole.segments[..seen.segments.len()]);
        assert!(whole.frames.len() - seen.frames.len() < 8);
    }
    let file = wav_bytes(&wave, WavEncoding::Float32).unwrap();
    let stream = Stream::from_bytes(file, None).unwrap();
    assert_eq!(recognizer.timeline_stream(stream, &params).unwrap(), whole);
}

fn check_prefix(early: &Timeline, whole: &Timeline) {
    assert_eq!(early.frames, whole.frames[..early.frames.len()]);
    assert_eq!(
        early.segments.first().map(|segment| segment.start),
        whole.segments.first().map(|segment| segment.start)
    );
}

#[test]
fn the_current_segment_is_told_while_it_goes_on() {
    let recognizer = recognizer();
    let mut listener = Listener::new(&recognizer, TimelineParams::default(), 16_000).unwrap();
    assert_eq!(listener.current(), None);
    let update = listener.push(&speech(8.0)).unwrap();
    let current = listener.current().unwrap();
    // Half a window and the wait for a pause lie between what is said and what is told.
    let last = update.frames.last().unwrap().time;
    assert!((5.5..6.6).contains(&last), "{last}");
    assert_eq!(current.end, last + 0.25);
    listener.push(&silence(6.0)).unwrap();
    assert_eq!(listener.current(), None);
}

#[test]
fn other_rates_hear_much_the_same() {
    let recognizer = recognizer();
    let wave = wave(&[speech(6.0), silence(3.0), speech(6.0)]);
    let params = TimelineParams::default();
    let at_16k = recognizer.timeline(&wave, &params).unwrap();
    for rate in [44_100, 48_000] {
        let timeline = recognizer.timeline(&wave.resample(rate).unwrap(), &params).unwrap();
        check_consistent(&timeline);
        let same = timeline.frames.iter().zip(&at_16k.frames).filter(|(one, other)| one.speech == other.speech).count();
        assert!(same + 1 >= at_16k.frames.len(), "{rate}: {same} of {}", at_16k.frames.len());
    }
    check_consistent(&recognizer.timeline(&wave.resample(8_000).unwrap(), &params).unwrap());
}

#[test]
fn a_recording_shorter_than_the_window_is_judged_as_it_is() {
    let recognizer = recognizer();
    let wave = wave(&[speech(1.4)]);
    let timeline = recognizer.timeline(&wave, &TimelineParams::default()).unwrap();
    check_consistent(&timeline);
    assert_eq!((timeline.frames.len(), timeline.seconds), (3, 1.4));
    assert_eq!(timeline.frames[2].time, 1.2);
    assert_eq!(timeline.segments.len(), 1);
}

#[test]
fn nothing_to_hear_is_a_timeline_without_segments() {
    let recognizer = recognizer();
    for samples in [vec![], vec![0.3], vec![0.0; 800], vec![0.25; 48_000], vec![0.0; 100_000]] {
        let seconds = samples.len() as f64 / 16_000.0;
        let timeline = recognizer.timeline(&wave(&[samples]), &TimelineParams::default()).unwrap();
        assert_eq!(timeline.segments, []);
        assert_eq!(timeline.frames.len(), (seconds / 0.5).ceil() as usize);
        assert!(timeline.frames.iter().all(|frame| !frame.speech));
    }
    let mut listener = Listener::new(&recognizer, TimelineParams::default(), 16_000).unwrap();
    assert!(listener.push(&[0.0, f32::NAN]).unwrap_err().to_string().contains("sample 1"));
}

#[test]
fn parameters_out_of_range_are_named() {
    let default = TimelineParams::default;
    let cases = [
        (TimelineParams { window: 0.4, ..default() }, "parameter `window` is 0.4, expected 0.5 to 60"),
        (TimelineParams { hop: 0.01, ..default() }, "parameter `hop` is 0.01, expected 0.1 to the window, 3"),
        (TimelineParams { hop: f64::NAN, ..default() }, "parameter `hop` is NaN, expected 0.1 to the window, 3"),
        (TimelineParams { speech: 0.0, ..default() }, "parameter `speech` is 0, expected 0.01 to 1"),
        (TimelineParams { smoothing: -1.0, ..default() }, "parameter `smoothing` is -1, expected 0 to 600"),
    ];
    let silence = wave(&[silence(1.0)]);
    for (params, message) in cases {
        assert_eq!(params.check().unwrap_err().to_string(), message);
        assert_eq!(recognizer().timeline(&silence, &params).unwrap_err().to_string(), message);
    }
    for (window, hop) in [(0.5, 0.1), (60.0, 60.0), (1.0, 1.0), (0.7, 0.3)] {
        let params = TimelineParams { window, hop, ..default() };
        check_consistent(&recognizer().timeline(&wave(&[speech(5.03)]), &params).unwrap());
    }
}

#[test]
fn a_listener_can_go_to_another_thread() {
    fn sendable<T: Send + 'static>() {}
    sendable::<Listener<Arc<Recognizer>>>();
}

#[test]
fn work_can_be_stopped() {
    let file = wav_bytes(&wave(&[speech(40.0)]), WavEncoding::Pcm16).unwrap();
    let stream = Stream::from_bytes(file, None).unwrap();
    let result = recognizer().timeline_watched(stream, &TimelineParams::default(), &StopAfter::new(10));
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
}
