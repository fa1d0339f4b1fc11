//! A look at an MP4's fragments before they are believed.
//!
//! A track run (`trun`, ISO/IEC 14496-12, section 8.8.8) declares how many samples it has, and need not list them. Symphonia
//! 0.6.1 counts up to whatever is declared, so that twenty bytes cost it seconds, and a small file days.

use std::io::{BufReader, Read, Seek};

use crate::error::AudioError;
use crate::format::Format;
use crate::source::Source;

/// The boxes on the way to a track run, from the outermost.
const PATH: [&[u8; 4]; 3] = [b"moof", b"traf", b"trun"];

/// Refuses files that declare more samples in their fragments than they have bytes. Leaves the source at its start.
pub(super) fn check_runs(source: &mut Source) -> Result<(), AudioError> {
    let len = source.len();
    let declared = count_samples(&mut BufReader::new(&mut *source), len).map_err(AudioError::io)?;
    source.rewind().map_err(AudioError::io)?;
    if declared <= len {
        return Ok(());
    }
    Err(AudioError::corrupt(Format::Mp4, format!("its fragments declare {declared} samples, and it has {len} bytes")))
}

/// Adds up the samples of all track runs; boxes that make no sense are left to the demultiplexer.
fn count_samples(reader: &mut BufReader<&mut Source>, len: u64) -> std::io::Result<u64> {
    let mut samples = 0_u64;
    // The ends of the boxes that are open, the whole file being the outermost.
    let mut ends = vec![len];
    let mut position = 0_u64;
    while let Some(&end) = ends.last() {
        if end.saturating_sub(position) < 8 {
            ends.pop();
            // The rest of a box that is too short for another one.
            reader.seek_relative(end.saturating_sub(position).cast_signed())?;
            position = position.max(end);
            continue;
        }
        let start = position;
        let mut head = [0; 8];
        reader.read_exact(&mut head)?;
        position += 8;
        let [s0, s1, s2, s3, kind @ ..] = head;
        let size = match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => end - start,
            1 if end - position >= 8 => {
                let mut long = [0; 8];
                reader.read_exact(&mut long)?;
                position += 8;
                u64::from_be_bytes(long)
            }
            short => u64::from(short),
        };
        let box_end = start.saturating_add(size).clamp(position, end);
        if PATH.get(ends.len() - 1) == Some(&&kind) {
            if ends.len() < PATH.len() {
                ends.push(box_end);
                continue;
            }
            if box_end - position >= 8 {
                let mut run = [0; 8];
                reader.read_exact(&mut run)?;
                position += 8;
                let [.., c0, c1, c2, c3] = run;
                samples = samples.saturating_add(u64::from(u32::from_be_bytes([c0, c1, c2, c3])));
            }
        }
        reader.seek_relative((box_end - position).cast_signed())?;
        position = box_end;
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: [u8; 4], contents: &[u8]) -> Vec<u8> {
        [&(contents.len() as u32 + 8).to_be_bytes()[..], &kind, contents].concat()
    }

    fn run(count: u32) -> Vec<u8> {
        boxed(*b"trun", &[&[0; 4][..], &count.to_be_bytes(), &[0; 4]].concat())
    }

    fn check(bytes: &[u8]) -> Result<(), AudioError> {
        let mut source = Source::from_bytes(bytes.to_vec());
        let result = check_runs(&mut source);
        assert_eq!(source.stream_position().unwrap(), 0);
        result
    }

    #[test]
    fn samples_of_all_runs_together_must_fit_into_the_file() {
        let fragment = |counts: &[u32]| {
            let runs: Vec<u8> = counts.iter().flat_map(|count| run(*count)).collect();
            boxed(
                *b"moof",
                &[boxed(*b"mfhd", &[0; 8]), boxed(*b"traf", &[boxed(*b"tfhd", &[0; 9]), runs].concat())].concat(),
            )
        };
        assert!(check(&[fragment(&[20, 30]), boxed(*b"mdat", &[0; 100])].concat()).is_ok());
        let error = check(&[fragment(&[20]), fragment(&[100, 400])].concat()).unwrap_err();
        assert!(error.to_string().contains("its fragments declare 520 samples, and it has"), "{error}");
        assert!(check(&fragment(&[u32::MAX; 3])).is_err());
        // The word elsewhere means nothing.
        assert!(check(&boxed(*b"mdat", &run(u32::MAX))).is_ok());
    }

    #[test]
    fn boxes_that_make_no_sense_are_left_alone() {
        let open = boxed(*b"moof", &boxed(*b"traf", &run(7)));
        for length in 0..open.len() {
            assert!(check(&open[..length]).is_ok(), "{length} bytes");
        }
        for size in [2_u32, 7, 9, 0x7FFF_FFFF, u32::MAX] {
            assert!(check(&[&size.to_be_bytes()[..], b"moof", &[0; 40]].concat()).is_ok(), "size {size}");
        }
        // To the end of the file, and with a long size.
        let runs = boxed(*b"traf", &run(u32::MAX));
        assert!(check(&[&[0; 4][..], b"moof", &runs].concat()).is_err());
        let long = (runs.len() as u64 + 16).to_be_bytes();
        assert!(check(&[&[0, 0, 0, 1], &b"moof"[..], &long, &runs].concat()).is_err());
    }
}
