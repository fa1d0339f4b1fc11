//! Writes the descriptors of a set for every WAV file of a folder as CSV, a row for every frame: `descriptors DIR SET OUT.csv` with
//! `egemaps-v02` or `compare-2016`.

use std::io::Write;
use std::path::PathBuf;

use stimmung_audio::Waveform;
use stimmung_features::{Compare, Egemaps, FeatureError, Frames};

/// Column names, and what makes a table of a recording.
type Set = (Vec<String>, fn(&Waveform) -> Result<Frames, FeatureError>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(set), Some(out)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: descriptors DIR SET OUT.csv".into());
    };
    let (names, describe): Set = match set.as_str() {
        "egemaps-v02" => (Egemaps::DESCRIPTORS.map(str::to_owned).to_vec(), |recording| {
            Egemaps::new(recording.sample_rate())?.descriptors(recording.samples())
        }),
        "compare-2016" => (Compare::descriptor_names(), |recording| {
            Compare::new(recording.sample_rate())?.descriptors(recording.samples())
        }),
        _ => return Err(format!("{set} has no descriptors: egemaps-v02 and compare-2016 do").into()),
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav")));
    files.sort();

    let mut out = std::io::BufWriter::new(std::fs::File::create(out)?);
    writeln!(out, "file,frame,{}", names.join(","))?;
    for file in files {
        let table = describe(&stimmung_audio::decode_path(&file)?)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (frame, row) in table.iter().enumerate() {
            let values: Vec<String> = row.iter().map(ToString::to_string).collect();
            writeln!(out, "{name},{frame},{}", values.join(","))?;
        }
    }
    Ok(out.flush()?)
}
