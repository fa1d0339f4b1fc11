//! Writes the values of a named set for every WAV file of a folder as CSV: `extract DIR SET OUT.csv`.

use std::io::Write;
use std::path::PathBuf;

use stimmung_features::FeatureSet;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(name), Some(out)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: extract DIR SET OUT.csv".into());
    };
    let set = FeatureSet::by_name(&name)?;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav")));
    files.sort();

    let mut out = std::io::BufWriter::new(std::fs::File::create(out)?);
    let mut extractor = None;
    for file in files {
        let recording = stimmung_audio::decode_path(&file)?;
        let extractor = match &mut extractor {
            Some(extractor) => extractor,
            none => {
                writeln!(out, "file,{}", set.columns(recording.sample_rate())?.join(","))?;
                none.insert(set.extractor(recording.sample_rate())?)
            }
        };
        let values: Vec<String> = extractor.extract(&recording)?.iter().map(ToString::to_string).collect();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        writeln!(out, "{name},{}", values.join(","))?;
    }
    Ok(out.flush()?)
}
